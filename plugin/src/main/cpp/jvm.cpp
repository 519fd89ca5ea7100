#include "jvm.h"

#include <dirent.h>
#include <dlfcn.h>

#include <algorithm>
#include <clocale>
#include <cstdlib>

namespace warmgate {
namespace {

// A handle of the JVM's library: the one that is loaded, or the first that can be found.
void* jvm_library(const JvmSource& source, std::string* error) {
  if (void* loaded = dlopen("libjvm.so", RTLD_NOW | RTLD_NOLOAD)) {
    return loaded;
  }
  std::string tried;
  for (const std::string& home : source.homes) {
    if (home.empty()) {
      continue;
    }
    std::string path = home + "/lib/server/libjvm.so";
    if (void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL)) {
      return handle;
    }
    tried += " " + path;
  }
  *error = "Warmgate found no JVM; set " + source.advice + " to a JDK 25 or newer (tried:" + tried + ")";
  return nullptr;
}

// Creating a JVM sets the locale of the whole process to that of its environment. A host that never asked for
// it may go on to read and write numbers with a comma; so it gets its own back.
class LocaleKept {
 public:
  LocaleKept() : before_(std::setlocale(LC_ALL, nullptr)) {}
  ~LocaleKept() { std::setlocale(LC_ALL, before_.c_str()); }
  LocaleKept(const LocaleKept&) = delete;
  LocaleKept& operator=(const LocaleKept&) = delete;

 private:
  const std::string before_;
};

JavaVM* create_jvm(void* library, const JvmSource& source, std::string* error) {
  const LocaleKept locale;
  auto create = reinterpret_cast<jint (*)(JavaVM**, void**, void*)>(
      dlsym(library, "JNI_CreateJavaVM"));
  // -Xrs: the host's own signal handlers stay in charge. The heap is small: weights are in native
  // memory. Later options win, so those of the user come last.
  std::vector<std::string> texts = {"-Xrs", "--enable-native-access=ALL-UNNAMED",
                                    "--sun-misc-unsafe-memory-access=allow", "-XX:+UseSerialGC",
                                    "-Xmx512m"};
  texts.insert(texts.end(), source.options.begin(), source.options.end());
  std::vector<JavaVMOption> options(texts.size());
  for (size_t i = 0; i < texts.size(); i++) {
    options[i].optionString = texts[i].data();
    options[i].extraInfo = nullptr;
  }
  JavaVMInitArgs arguments = {};
  arguments.version = JNI_VERSION_10;
  arguments.nOptions = static_cast<jint>(options.size());
  arguments.options = options.data();
  JavaVM* jvm = nullptr;
  void* env = nullptr;
  if (create == nullptr || create(&jvm, &env, &arguments) != JNI_OK) {
    *error = "Warmgate could not create a JVM; it needs Java 25 or newer";
    return nullptr;
  }
  jvm->DetachCurrentThread();
  return jvm;
}

JavaVM* find_or_create_jvm(const JvmSource& source, std::string* error) {
  void* library = jvm_library(source, error);
  if (library == nullptr) {
    return nullptr;
  }
  auto created = reinterpret_cast<jint (*)(JavaVM**, jsize, jsize*)>(
      dlsym(library, "JNI_GetCreatedJavaVMs"));
  JavaVM* jvm = nullptr;
  jsize count = 0;
  if (created != nullptr && created(&jvm, 1, &count) == JNI_OK && count > 0) {
    return jvm;
  }
  return create_jvm(library, source, error);
}

// The message of the pending Java exception, which is cleared.
std::string pending_exception(JNIEnv* env) {
  jthrowable thrown = env->ExceptionOccurred();
  env->ExceptionClear();
  std::string message = "unknown error";
  jclass type = env->GetObjectClass(thrown);
  jmethodID to_string = env->GetMethodID(type, "toString", "()Ljava/lang/String;");
  auto text = static_cast<jstring>(env->CallObjectMethod(thrown, to_string));
  if (!env->ExceptionCheck() && text != nullptr) {
    if (const char* chars = env->GetStringUTFChars(text, nullptr)) {
      message = chars;
      env->ReleaseStringUTFChars(text, chars);
    }
  }
  env->ExceptionClear();
  return message;
}

// A file's java.net.URL, null with an exception pending.
jobject url_of(JNIEnv* env, const std::string& path) {
  jclass file_class = env->FindClass("java/io/File");
  jmethodID make = env->GetMethodID(file_class, "<init>", "(Ljava/lang/String;)V");
  jmethodID to_uri = env->GetMethodID(file_class, "toURI", "()Ljava/net/URI;");
  jobject file = env->NewObject(file_class, make, env->NewStringUTF(path.c_str()));
  if (file == nullptr) {
    return nullptr;
  }
  jobject uri = env->CallObjectMethod(file, to_uri);
  if (uri == nullptr) {
    return nullptr;
  }
  jmethodID to_url = env->GetMethodID(env->GetObjectClass(uri), "toURL", "()Ljava/net/URL;");
  return env->CallObjectMethod(uri, to_url);
}

// A class loader over a class path, null with an exception pending.
jobject class_loader(JNIEnv* env, const std::string& class_path) {
  std::vector<std::string> paths;
  for (size_t from = 0; from < class_path.size();) {
    size_t end = std::min(class_path.find(':', from), class_path.size());
    if (end > from) {
      paths.push_back(class_path.substr(from, end - from));
    }
    from = end + 1;
  }
  jclass url_class = env->FindClass("java/net/URL");
  jobjectArray urls = env->NewObjectArray(static_cast<jsize>(paths.size()), url_class, nullptr);
  for (size_t i = 0; i < paths.size(); i++) {
    jobject url = url_of(env, paths[i]);
    if (url == nullptr) {
      return nullptr;
    }
    env->SetObjectArrayElement(urls, static_cast<jsize>(i), url);
    env->DeleteLocalRef(url);
  }
  jclass base = env->FindClass("java/lang/ClassLoader");
  jmethodID platform =
      env->GetStaticMethodID(base, "getPlatformClassLoader", "()Ljava/lang/ClassLoader;");
  jclass type = env->FindClass("java/net/URLClassLoader");
  jmethodID make =
      env->GetMethodID(type, "<init>", "([Ljava/net/URL;Ljava/lang/ClassLoader;)V");
  return env->NewObject(type, make, urls, env->CallStaticObjectMethod(base, platform));
}

// Calls entry_points.bind(address) in classes of the class path.
void call_bind(JNIEnv* env, const std::string& class_path, const char* entry_points,
               void* address) {
  jobject loader = class_loader(env, class_path);
  if (loader == nullptr) {
    return;
  }
  jclass type_class = env->FindClass("java/lang/Class");
  jmethodID for_name = env->GetStaticMethodID(
      type_class, "forName", "(Ljava/lang/String;ZLjava/lang/ClassLoader;)Ljava/lang/Class;");
  auto type = static_cast<jclass>(env->CallStaticObjectMethod(
      type_class, for_name, env->NewStringUTF(entry_points), jboolean{JNI_TRUE}, loader));
  if (type == nullptr) {
    return;
  }
  if (jmethodID bind = env->GetStaticMethodID(type, "bind", "(J)V")) {
    env->CallStaticVoidMethod(type, bind, reinterpret_cast<jlong>(address));
  }
}

}  // namespace

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string library_folder() {
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(&library_folder), &info) == 0) {
    return ".";
  }
  std::string path = info.dli_fname;
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

std::string jars_in(const std::string& folder) {
  std::vector<std::string> found;
  if (DIR* dir = opendir(folder.c_str())) {
    while (const dirent* entry = readdir(dir)) {
      std::string name = entry->d_name;
      if (name.size() > 4 && name.compare(name.size() - 4, 4, ".jar") == 0) {
        found.push_back(folder + "/" + name);
      }
    }
    closedir(dir);
  }
  // Where two jars have a class, the same one wins everywhere.
  std::sort(found.begin(), found.end());
  std::string jars;
  for (const std::string& jar : found) {
    jars += (jars.empty() ? "" : ":") + jar;
  }
  return jars;
}

std::string bind_java(const JvmSource& source, const std::string& class_path,
                      const char* entry_points, void* address) {
  std::string error;
  JavaVM* jvm = find_or_create_jvm(source, &error);
  if (jvm == nullptr) {
    return error;
  }
  void* attached = nullptr;
  bool ours = jvm->GetEnv(&attached, JNI_VERSION_10) == JNI_EDETACHED;
  if (ours && jvm->AttachCurrentThreadAsDaemon(&attached, nullptr) != JNI_OK) {
    return "Warmgate could not attach a thread to the JVM";
  }
  auto env = static_cast<JNIEnv*>(attached);
  if (env->PushLocalFrame(64) == JNI_OK) {
    call_bind(env, class_path, entry_points, address);
    if (env->ExceptionCheck()) {
      error = "Warmgate's classes can't be used: " + pending_exception(env);
    }
    env->PopLocalFrame(nullptr);
  } else {
    env->ExceptionClear();
    error = "the JVM is out of memory";
  }
  if (ours) {
    // Java's own calls attach a thread for as long as it lives.
    jvm->DetachCurrentThread();
  }
  return error;
}

}  // namespace warmgate
