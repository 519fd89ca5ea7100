// libwarmgate.so: the entry points that ONNX Runtime looks up, and the way from them into a JVM.
//
// All logic is Java. A Java host has called warmgate_bind before ONNX Runtime calls us. For any other
// host the first call finds the JVM of the process, or creates one, and lets Java call warmgate_bind.

#include <dirent.h>
#include <dlfcn.h>
#include <jni.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <string>

#define EXPORT extern "C" __attribute__((visibility("default")))

// The few declarations of ONNX Runtime's C API that are needed here. The function tables only ever
// grow at their end; CreateStatus is the first entry.
struct OrtStatus;
struct OrtEpFactory;
struct OrtLogger;
struct OrtApi {
  OrtStatus* (*CreateStatus)(int code, const char* message);
};
struct OrtApiBase {
  const OrtApi* (*GetApi)(uint32_t version);
  const char* (*GetVersionString)();
};

namespace {

constexpr int kOrtFail = 1;
constexpr uint32_t kOrtApiVersion = 23;
constexpr const char* kEntryPoints = "dev/warmgate/host/ort/EntryPoints";

using CreateFn = OrtStatus* (*)(const char*, const OrtApiBase*, const OrtLogger*, OrtEpFactory**,
                                size_t, size_t*);
using ReleaseFn = OrtStatus* (*)(OrtEpFactory*);

std::atomic<CreateFn> create_factories{nullptr};
std::atomic<ReleaseFn> release_factory{nullptr};
std::mutex bootstrap_mutex;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// The folder that this library is in.
std::string library_folder() {
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(&library_folder), &info) == 0) {
    return ".";
  }
  std::string path = info.dli_fname;
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

// All jars in a folder, as a class path.
std::string jars_in(const std::string& folder) {
  std::string jars;
  if (DIR* dir = opendir(folder.c_str())) {
    while (const dirent* entry = readdir(dir)) {
      std::string name = entry->d_name;
      if (name.size() > 4 && name.compare(name.size() - 4, 4, ".jar") == 0) {
        jars += (jars.empty() ? "" : ":") + folder + "/" + name;
      }
    }
    closedir(dir);
  }
  return jars;
}

// A handle of the JVM's library: the one that is loaded, or the first that can be found.
void* jvm_library(std::string* error) {
  if (void* loaded = dlopen("libjvm.so", RTLD_NOW | RTLD_NOLOAD)) {
    return loaded;
  }
  std::string tried;
  for (const std::string& home : {environment("WARMGATE_JAVA_HOME"), library_folder() + "/jre",
                                  environment("JAVA_HOME")}) {
    if (home.empty()) {
      continue;
    }
    std::string path = home + "/lib/server/libjvm.so";
    if (void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL)) {
      return handle;
    }
    tried += " " + path;
  }
  *error = "Warmgate found no JVM; set WARMGATE_JAVA_HOME to a JDK 25 or newer (tried:" + tried + ")";
  return nullptr;
}

JavaVM* create_jvm(void* library, std::string* error) {
  auto create = reinterpret_cast<jint (*)(JavaVM**, void**, void*)>(
      dlsym(library, "JNI_CreateJavaVM"));
  std::string class_path = environment("WARMGATE_CLASS_PATH");
  if (class_path.empty()) {
    class_path = jars_in(library_folder() + "/lib");
  }
  std::string class_path_option = "-Djava.class.path=" + class_path;
  // -Xrs: the host's own signal handlers stay in charge.
  const char* texts[] = {class_path_option.c_str(), "--enable-native-access=ALL-UNNAMED", "-Xrs",
                         "-XX:+UseSerialGC", "-Xmx512m"};
  JavaVMOption options[5] = {};
  for (int i = 0; i < 5; i++) {
    options[i].optionString = const_cast<char*>(texts[i]);
  }
  JavaVMInitArgs arguments = {};
  arguments.version = JNI_VERSION_10;
  arguments.nOptions = 5;
  arguments.options = options;
  JavaVM* jvm = nullptr;
  void* env = nullptr;
  if (create == nullptr || create(&jvm, &env, &arguments) != JNI_OK) {
    *error = "Warmgate could not create a JVM; it needs Java 25 or newer";
    return nullptr;
  }
  return jvm;
}

JavaVM* find_or_create_jvm(std::string* error) {
  void* library = jvm_library(error);
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
  return create_jvm(library, error);
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

}  // namespace

// Java's answer to the bootstrap, and what a Java host calls first.
EXPORT void warmgate_bind(CreateFn create, ReleaseFn release) {
  release_factory.store(release);
  create_factories.store(create);
}

namespace {

// Lets Java call warmgate_bind. Empty if it did, else what is wrong.
std::string bootstrap() {
  std::lock_guard<std::mutex> guard(bootstrap_mutex);
  if (create_factories.load() != nullptr) {
    return "";
  }
  std::string error;
  JavaVM* jvm = find_or_create_jvm(&error);
  if (jvm == nullptr) {
    return error;
  }
  JNIEnv* env = nullptr;
  if (jvm->AttachCurrentThreadAsDaemon(reinterpret_cast<void**>(&env), nullptr) != JNI_OK) {
    return "Warmgate could not attach a thread to the JVM";
  }
  jclass entry_points = env->FindClass(kEntryPoints);
  jmethodID bind =
      entry_points == nullptr ? nullptr : env->GetStaticMethodID(entry_points, "bind", "(J)V");
  if (bind != nullptr) {
    env->CallStaticVoidMethod(entry_points, bind, reinterpret_cast<jlong>(&warmgate_bind));
  }
  if (env->ExceptionCheck()) {
    return "Warmgate's classes can't be used: " + pending_exception(env);
  }
  return create_factories.load() != nullptr ? "" : "Warmgate's classes are not of this version";
}

}  // namespace

EXPORT OrtStatus* CreateEpFactories(const char* registered_name, const OrtApiBase* api_base,
                                    const OrtLogger* logger, OrtEpFactory** factories,
                                    size_t max_factories, size_t* num_factories) {
  const OrtApi* api = api_base->GetApi(kOrtApiVersion);
  if (api == nullptr) {
    // A host this old has no status that we could make: it sees that there is no factory.
    *num_factories = 0;
    return nullptr;
  }
  if (create_factories.load() == nullptr) {
    std::string error = bootstrap();
    if (!error.empty()) {
      *num_factories = 0;
      return api->CreateStatus(kOrtFail, error.c_str());
    }
  }
  return create_factories.load()(registered_name, api_base, logger, factories, max_factories,
                                 num_factories);
}

EXPORT OrtStatus* ReleaseEpFactory(OrtEpFactory* factory) {
  ReleaseFn release = release_factory.load();
  return release == nullptr ? nullptr : release(factory);
}
