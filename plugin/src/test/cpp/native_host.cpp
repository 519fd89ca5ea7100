// A host without a JVM: registers libwarmgate.so with ONNX Runtime and runs a model with it.
//
//   native_host LIBONNXRUNTIME LIBWARMGATE MODEL TOKENS HIDDEN [OPTION VALUE]
//
// LIBWARMGATE begins with "ops:" for an adapted model, which runs with its custom ops and no provider.
//
// Prints the sum of the outputs, or ONNX Runtime's error and exits with 1; exits with 3 if its locale isn't
// what it was. ONNX Runtime's function
// table is indexed by number, so that no header is needed; api() names the functions.

#include <dlfcn.h>

#include <clocale>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

struct ApiBase {
  void* const* (*GetApi)(uint32_t version);
  const char* (*GetVersionString)();
};
using Status = void*;

static void* const* table;

template <typename... Args>
static void call(int index, Args... args) {
  auto function = reinterpret_cast<Status (*)(Args...)>(table[index]);
  if (Status status = function(args...)) {
    auto message = reinterpret_cast<const char* (*)(Status)>(table[2]);
    std::fprintf(stderr, "%s\n", message(status));
    std::_Exit(1);
  }
}

static void use_provider(void* env, void* options, int argc, char** argv) {
  call(301 /* RegisterExecutionProviderLibrary */, env, "Warmgate", argv[2]);
  void* const* devices = nullptr;
  size_t count = 0;
  call(303 /* GetEpDevices */, env, &devices, &count);
  void* device = nullptr;
  auto ep_name = reinterpret_cast<const char* (*)(void*)>(table[312]);
  for (size_t i = 0; i < count; i++) {
    if (std::strcmp(ep_name(devices[i]), "Warmgate") == 0) {
      device = devices[i];
    }
  }
  const char* keys[] = {argc == 8 ? argv[6] : ""};
  const char* values[] = {argc == 8 ? argv[7] : ""};
  call(304 /* SessionOptionsAppendExecutionProvider_V2 */, options, env, &device, size_t{1}, keys,
       values, size_t(argc == 8 ? 1 : 0));
}

int main(int argc, char** argv) {
  if (argc != 6 && argc != 8) {
    return 2;
  }
  void* library = dlopen(argv[1], RTLD_NOW);
  if (library == nullptr) {
    std::fprintf(stderr, "%s\n", dlerror());
    return 2;
  }
  auto get_base = reinterpret_cast<const ApiBase* (*)()>(dlsym(library, "OrtGetApiBase"));
  table = get_base()->GetApi(23);

  void* env = nullptr;
  call(3 /* CreateEnv */, 3, "native_host", &env);
  bool adapted = std::strncmp(argv[2], "ops:", 4) == 0;
  void* options = nullptr;
  call(10 /* CreateSessionOptions */, &options);
  if (adapted) {
    if (argc == 8) {
      std::string key = std::string("ep.warmgate.") + argv[6];
      call(130 /* AddSessionConfigEntry */, options, key.c_str(), argv[7]);
    }
    call(228 /* RegisterCustomOpsLibrary_V2 */, options, argv[2] + 4);
  } else {
    use_provider(env, options, argc, argv);
  }
  void* session = nullptr;
  call(7 /* CreateSession */, env, argv[3], options, &session);

  int64_t shape[] = {std::atoll(argv[4]), std::atoll(argv[5])};
  std::vector<float> hidden(static_cast<size_t>(shape[0] * shape[1]));
  for (size_t i = 0; i < hidden.size(); i++) {
    hidden[i] = static_cast<float>(i % 17) / 8 - 1;
  }
  void* memory = nullptr;
  call(69 /* CreateCpuMemoryInfo */, 0, 0, &memory);
  void* input = nullptr;
  call(49 /* CreateTensorWithDataAsOrtValue */, memory, static_cast<void*>(hidden.data()),
       hidden.size() * sizeof(float), static_cast<const int64_t*>(shape), size_t{2}, 1, &input);
  const char* input_names[] = {"hidden"};
  const char* output_names[] = {"output"};
  void* output = nullptr;
  call(9 /* Run */, session, static_cast<void*>(nullptr), input_names, &input, size_t{1},
       output_names, size_t{1}, &output);
  float* result = nullptr;
  call(51 /* GetTensorMutableData */, output, &result);
  double sum = 0;
  for (size_t i = 0; i < hidden.size(); i++) {
    sum += result[i];
  }
  std::printf("%.6f\n", sum);

  auto release = [](int index, void* object) {
    reinterpret_cast<void (*)(void*)>(table[index])(object);
  };
  release(96 /* ReleaseValue */, output);
  release(96, input);
  release(94 /* ReleaseMemoryInfo */, memory);
  release(95 /* ReleaseSession */, session);
  release(100 /* ReleaseSessionOptions */, options);
  if (!adapted) {
    call(302 /* UnregisterExecutionProviderLibrary */, env, "Warmgate");
  }
  release(92 /* ReleaseEnv */, env);
  const char* locale = std::setlocale(LC_ALL, nullptr);
  if (std::strcmp(locale, "C") != 0) {
    std::fprintf(stderr, "the locale is now %s\n", locale);
    return 3;
  }
  return 0;
}
