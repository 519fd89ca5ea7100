// libtriton_warmgate.so: the entry points that Triton's core looks up, and the way from them into a
// JVM. All logic is Java: TRITONBACKEND_Initialize finds the JVM of the process, or creates one, and
// lets Java hand over its functions; every later call goes straight to them.

#include <dlfcn.h>
#include <signal.h>

#include <array>
#include <cstdint>
#include <sstream>
#include <string>

#include "jvm.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

// The few declarations of Triton's C API that are needed here.
struct TRITONSERVER_Error;
struct TRITONSERVER_Message;
struct TRITONBACKEND_Backend;
struct TRITONBACKEND_BackendAttribute;
struct TRITONBACKEND_Model;
struct TRITONBACKEND_ModelInstance;
struct TRITONBACKEND_Request;

namespace {

constexpr int kErrorUnavailable = 4;
constexpr const char* kEntryPoints = "dev.warmgate.host.triton.EntryPoints";

// What Java answers the bootstrap with. The order is that of EntryPoints.
struct Functions {
  TRITONSERVER_Error* (*initialize)(TRITONBACKEND_Backend*);
  TRITONSERVER_Error* (*finalize)(TRITONBACKEND_Backend*);
  TRITONSERVER_Error* (*attributes)(TRITONBACKEND_BackendAttribute*);
  TRITONSERVER_Error* (*model_initialize)(TRITONBACKEND_Model*);
  TRITONSERVER_Error* (*model_finalize)(TRITONBACKEND_Model*);
  TRITONSERVER_Error* (*instance_initialize)(TRITONBACKEND_ModelInstance*);
  TRITONSERVER_Error* (*instance_finalize)(TRITONBACKEND_ModelInstance*);
  TRITONSERVER_Error* (*instance_execute)(TRITONBACKEND_ModelInstance*, TRITONBACKEND_Request**,
                                          int64_t count);
};

// Written once, by the first TRITONBACKEND_Initialize, which Triton calls before anything else.
Functions java = {};

// A function of Triton's core, which is loaded: it is calling us. A Java host loads it locally, so
// that RTLD_DEFAULT doesn't find it.
template <typename Function>
Function triton(const char* name) {
  static void* core = dlopen("libtritonserver.so", RTLD_LAZY | RTLD_NOLOAD);
  void* symbol = core == nullptr ? nullptr : dlsym(core, name);
  return reinterpret_cast<Function>(symbol != nullptr ? symbol : dlsym(RTLD_DEFAULT, name));
}

TRITONSERVER_Error* error(const std::string& message) {
  auto make = triton<TRITONSERVER_Error* (*)(int, const char*)>("TRITONSERVER_ErrorNew");
  return make == nullptr ? nullptr : make(kErrorUnavailable, message.c_str());
}

// The settings of this backend, as JSON; empty if there are none.
std::string backend_config(TRITONBACKEND_Backend* backend) {
  using Get = TRITONSERVER_Error* (*)(TRITONBACKEND_Backend*, TRITONSERVER_Message**);
  using Serialize = TRITONSERVER_Error* (*)(TRITONSERVER_Message*, const char**, size_t*);
  auto get = triton<Get>("TRITONBACKEND_BackendConfig");
  auto serialize = triton<Serialize>("TRITONSERVER_MessageSerializeToJson");
  auto forget = triton<void (*)(TRITONSERVER_Error*)>("TRITONSERVER_ErrorDelete");
  TRITONSERVER_Message* message = nullptr;  // the core's own
  const char* text = nullptr;
  size_t size = 0;
  TRITONSERVER_Error* failure = get(backend, &message);
  if (failure == nullptr) {
    failure = serialize(message, &text, &size);
  }
  if (failure != nullptr) {
    forget(failure);
    return "";
  }
  return std::string(text, size);
}

// The value of a key of the JSON's only level of strings; empty if it isn't there.
std::string setting(const std::string& json, const std::string& key) {
  size_t at = json.find("\"" + key + "\"");
  at = at == std::string::npos ? at : json.find(':', at);
  at = at == std::string::npos ? at : json.find('"', at);
  std::string value;
  for (at = at == std::string::npos ? json.size() : at + 1; at < json.size() && json[at] != '"';
       at++) {
    if (json[at] == '\\' && at + 1 < json.size()) {
      at++;  // paths have no other escapes than \/ and \\ and \"
    }
    value += json[at];
  }
  return value;
}

std::vector<std::string> words(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> found;
  for (std::string word; in >> word;) {
    found.push_back(word);
  }
  return found;
}

// The JVM lives on SIGSEGV: null checks and safepoints. A host that installs handlers of its own
// later, as tritonserver does, takes that away. libjsig.so, preloaded, chains them; without it the
// JVM's are put back when they are found replaced.
class SignalGuard {
 public:
  void remember() {
    chained_ = dlsym(RTLD_DEFAULT, "JVM_get_signal_action") != nullptr;
    for (size_t i = 0; i < kSignals.size(); i++) {
      sigaction(kSignals[i], nullptr, &actions_[i]);
    }
  }

  void keep() const {
    struct sigaction now;
    if (chained_ || sigaction(kSignals[0], nullptr, &now) != 0 ||
        now.sa_sigaction == actions_[0].sa_sigaction) {
      return;
    }
    for (size_t i = 0; i < kSignals.size(); i++) {
      sigaction(kSignals[i], &actions_[i], nullptr);
    }
  }

 private:
  static constexpr std::array<int, 4> kSignals = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
  std::array<struct sigaction, 4> actions_ = {};
  bool chained_ = false;
};

SignalGuard signals;

void bind(const Functions* functions) { java = *functions; }

std::string bootstrap(TRITONBACKEND_Backend* backend) {
  std::string config = backend_config(backend);
  std::string folder = warmgate::library_folder();
  warmgate::JvmSource source;
  source.homes = {setting(config, "java-home"), folder + "/jre", warmgate::environment("JAVA_HOME")};
  source.advice = "--backend-config=warmgate,java-home=";
  source.options = words(setting(config, "java-options"));
  std::string class_path = warmgate::jars_in(folder) + ":" + warmgate::jars_in(folder + "/lib");
  if (class_path == ":") {
    // In the archive: PLATFORM/backends/warmgate, beside the jars that all share.
    class_path = warmgate::jars_in(folder + "/../../../lib");
  }
  std::string failure = warmgate::bind_java(source, class_path, kEntryPoints,
                                            reinterpret_cast<void*>(&bind));
  if (failure.empty()) {
    signals.remember();
  }
  return failure;
}

}  // namespace

EXPORT TRITONSERVER_Error* TRITONBACKEND_Initialize(TRITONBACKEND_Backend* backend) {
  if (java.initialize == nullptr) {
    std::string failure = bootstrap(backend);
    if (!failure.empty()) {
      return error(failure);
    }
  }
  return java.initialize(backend);
}

EXPORT TRITONSERVER_Error* TRITONBACKEND_Finalize(TRITONBACKEND_Backend* backend) {
  return java.finalize == nullptr ? nullptr : java.finalize(backend);
}

EXPORT TRITONSERVER_Error* TRITONBACKEND_GetBackendAttribute(
    TRITONBACKEND_Backend*, TRITONBACKEND_BackendAttribute* attributes) {
  return java.attributes(attributes);
}

EXPORT TRITONSERVER_Error* TRITONBACKEND_ModelInitialize(TRITONBACKEND_Model* model) {
  signals.keep();
  return java.model_initialize(model);
}

EXPORT TRITONSERVER_Error* TRITONBACKEND_ModelFinalize(TRITONBACKEND_Model* model) {
  return java.model_finalize(model);
}

EXPORT TRITONSERVER_Error* TRITONBACKEND_ModelInstanceInitialize(
    TRITONBACKEND_ModelInstance* instance) {
  return java.instance_initialize(instance);
}

EXPORT TRITONSERVER_Error* TRITONBACKEND_ModelInstanceFinalize(
    TRITONBACKEND_ModelInstance* instance) {
  return java.instance_finalize(instance);
}

EXPORT TRITONSERVER_Error* TRITONBACKEND_ModelInstanceExecute(
    TRITONBACKEND_ModelInstance* instance, TRITONBACKEND_Request** requests, uint32_t count) {
  signals.keep();
  return java.instance_execute(instance, requests, count);
}
