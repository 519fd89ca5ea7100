// libwarmgate.so: the entry points that ONNX Runtime looks up, and the way from them into a JVM.
//
// All logic is Java. A Java host has called warmgate_bind before ONNX Runtime calls us. For any other
// host the first call finds the JVM of the process, or creates one, and lets Java call warmgate_bind.

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

#include "jvm.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

// The few declarations of ONNX Runtime's C API that are needed here. The function tables only ever
// grow at their end; CreateStatus is the first entry.
struct OrtStatus;
struct OrtEpFactory;
struct OrtLogger;
struct OrtSessionOptions;
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
// What custom ops need came earlier.
constexpr uint32_t kCustomOpApiVersion = 17;
constexpr const char* kEntryPoints = "dev.warmgate.host.ort.EntryPoints";

using CreateFn = OrtStatus* (*)(const char*, const OrtApiBase*, const OrtLogger*, OrtEpFactory**,
                                size_t, size_t*);
using ReleaseFn = OrtStatus* (*)(OrtEpFactory*);
using RegisterFn = OrtStatus* (*)(OrtSessionOptions*, const OrtApiBase*);

std::atomic<CreateFn> create_factories{nullptr};
std::atomic<ReleaseFn> release_factory{nullptr};
std::atomic<RegisterFn> register_custom_ops{nullptr};
std::mutex bootstrap_mutex;

}  // namespace

// Java's answer to the bootstrap, and what a Java host calls first.
EXPORT void warmgate_bind(CreateFn create, ReleaseFn release, RegisterFn custom_ops) {
  release_factory.store(release);
  register_custom_ops.store(custom_ops);
  create_factories.store(create);
}

namespace {

// Lets Java call warmgate_bind, if it has not yet. Empty if it did, else what is wrong.
std::string bootstrap() {
  std::lock_guard<std::mutex> guard(bootstrap_mutex);
  if (create_factories.load() != nullptr) {
    return "";
  }
  warmgate::JvmSource source;
  source.homes = {warmgate::environment("WARMGATE_JAVA_HOME"), warmgate::library_folder() + "/jre",
                  warmgate::environment("JAVA_HOME")};
  source.advice = "WARMGATE_JAVA_HOME";
  std::string class_path = warmgate::environment("WARMGATE_CLASS_PATH");
  if (class_path.empty()) {
    class_path = warmgate::jars_in(warmgate::library_folder() + "/lib");
  }
  if (class_path.empty()) {
    // In the archive each platform has a folder, and all share the jars.
    class_path = warmgate::jars_in(warmgate::library_folder() + "/../lib");
  }
  std::string error = warmgate::bind_java(source, class_path, kEntryPoints,
                                          reinterpret_cast<void*>(&warmgate_bind));
  if (!error.empty()) {
    return error;
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
  const std::string error = bootstrap();
  if (!error.empty()) {
    *num_factories = 0;
    return api->CreateStatus(kOrtFail, error.c_str());
  }
  return create_factories.load()(registered_name, api_base, logger, factories, max_factories,
                                 num_factories);
}

EXPORT OrtStatus* ReleaseEpFactory(OrtEpFactory* factory) {
  ReleaseFn release = release_factory.load();
  return release == nullptr ? nullptr : release(factory);
}

EXPORT OrtStatus* RegisterCustomOps(OrtSessionOptions* options, const OrtApiBase* api_base) {
  const OrtApi* api = api_base->GetApi(kCustomOpApiVersion);
  if (api == nullptr) {
    // Without our operators the host refuses the model.
    return nullptr;
  }
  const std::string error = bootstrap();
  if (!error.empty()) {
    return api->CreateStatus(kOrtFail, error.c_str());
  }
  return register_custom_ops.load()(options, api_base);
}
