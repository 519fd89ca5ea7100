// Sends requests to a small model, one at a time, and prints the median time of one in microseconds, and
// Triton's statistics, which tell the backend's share.
//
//   overhead REPOSITORY BACKENDS MODEL JAVA_HOME

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "../../../../../examples/triton/triton_api.h"

struct TRITONSERVER_Message;
extern "C" {
Error* TRITONSERVER_ServerModelStatistics(Server*, const char*, int64_t, TRITONSERVER_Message**);
Error* TRITONSERVER_MessageSerializeToJson(TRITONSERVER_Message*, const char**, size_t*);
Error* TRITONSERVER_MessageDelete(TRITONSERVER_Message*);
}

static void check(Error* error) {
  if (error != nullptr) {
    std::cerr << TRITONSERVER_ErrorMessage(error) << std::endl;
    std::exit(1);
  }
}

static std::atomic<int> answers{0};
static std::atomic<int> releases{0};
static char buffer[4096];

static double request(Server* server, Allocator* allocator, const char* model) {
  static float values[64];
  static const int64_t shape[] = {32, 2};
  auto start = std::chrono::steady_clock::now();
  answers = 0;
  releases = 0;
  Request* request = nullptr;
  check(TRITONSERVER_InferenceRequestNew(&request, server, model, -1));
  check(TRITONSERVER_InferenceRequestAddInput(request, "x", 11 /* FP32 */, shape, 2));
  check(TRITONSERVER_InferenceRequestAppendInputData(request, "x", values, sizeof values, 0, 0));
  check(TRITONSERVER_InferenceRequestSetReleaseCallback(
      request,
      [](Request* gone, uint32_t, void*) {
        check(TRITONSERVER_InferenceRequestDelete(gone));
        releases = 1;
        releases.notify_one();
      },
      nullptr));
  check(TRITONSERVER_InferenceRequestSetResponseCallback(
      request, allocator, nullptr,
      [](Response* response, uint32_t, void*) {
        check(TRITONSERVER_InferenceResponseError(response));
        check(TRITONSERVER_InferenceResponseDelete(response));
        answers = 1;
        answers.notify_one();
      },
      nullptr));
  check(TRITONSERVER_ServerInferAsync(server, request, nullptr));
  answers.wait(0);
  auto end = std::chrono::steady_clock::now();
  releases.wait(0);
  return std::chrono::duration<double, std::micro>(end - start).count();
}

int main(int argc, char** argv) {
  if (argc != 5) {
    return 2;
  }
  Options* options = nullptr;
  check(TRITONSERVER_ServerOptionsNew(&options));
  check(TRITONSERVER_ServerOptionsSetModelRepositoryPath(options, argv[1]));
  check(TRITONSERVER_ServerOptionsSetBackendDirectory(options, argv[2]));
  check(TRITONSERVER_ServerOptionsSetStrictModelConfig(options, false));
  check(TRITONSERVER_ServerOptionsSetLogInfo(options, false));
  check(TRITONSERVER_ServerOptionsSetLogWarn(options, false));
  check(TRITONSERVER_ServerOptionsSetBackendConfig(options, "warmgate", "java-home", argv[4]));
  Server* server = nullptr;
  check(TRITONSERVER_ServerNew(&server, options));
  check(TRITONSERVER_ServerOptionsDelete(options));
  Allocator* allocator = nullptr;
  // Both outputs may share the buffer: nobody looks at them.
  check(TRITONSERVER_ResponseAllocatorNew(
      &allocator,
      [](Allocator*, const char*, size_t size, int, int64_t, void*, void** memory, void** user,
         int* type, int64_t* id) -> Error* {
        *memory = size <= sizeof buffer ? buffer : nullptr;
        *user = nullptr;
        *type = 0;
        *id = 0;
        return nullptr;
      },
      [](Allocator*, void*, void*, size_t, int, int64_t) -> Error* { return nullptr; }, nullptr));
  for (int i = 0; i < 100000; i++) {
    request(server, allocator, argv[3]);
  }
  std::vector<double> times(20000);
  for (double& time : times) {
    time = request(server, allocator, argv[3]);
  }
  std::nth_element(times.begin(), times.begin() + 10000, times.end());
  std::cout << times[10000] << std::endl;
  TRITONSERVER_Message* message = nullptr;
  const char* statistics = nullptr;
  size_t size = 0;
  check(TRITONSERVER_ServerModelStatistics(server, argv[3], -1, &message));
  check(TRITONSERVER_MessageSerializeToJson(message, &statistics, &size));
  std::cout << std::string(statistics, size) << std::endl;
  check(TRITONSERVER_MessageDelete(message));
  check(TRITONSERVER_ServerStop(server));
  check(TRITONSERVER_ServerDelete(server));
  return 0;
}
