// Sends requests to a small model, one at a time, and prints the median time of one in microseconds, and
// Triton's statistics, which tell the backend's share.
//
//   overhead REPOSITORY BACKENDS MODEL JAVA_HOME

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <vector>

#include "../../../../../examples/triton/triton_server.h"

struct TRITONSERVER_Message;
extern "C" {
Error* TRITONSERVER_ServerModelStatistics(Server*, const char*, int64_t, TRITONSERVER_Message**);
Error* TRITONSERVER_MessageSerializeToJson(TRITONSERVER_Message*, const char**, size_t*);
Error* TRITONSERVER_MessageDelete(TRITONSERVER_Message*);
}

static std::atomic<int> answers{0};
static std::atomic<int> releases{0};

static void on_response(Response* response, uint32_t, void*) {
  check(TRITONSERVER_InferenceResponseError(response));
  check(TRITONSERVER_InferenceResponseDelete(response));
  answers = 1;
  answers.notify_one();
}

static void on_release(Request* request, uint32_t, void*) {
  check(TRITONSERVER_InferenceRequestDelete(request));
  releases = 1;
  releases.notify_one();
}

static double request(const TritonServer& server, const char* model) {
  static float values[64];
  static const int64_t shape[] = {32, 2};
  auto start = std::chrono::steady_clock::now();
  answers = 0;
  releases = 0;
  Request* request = server.request(model);
  add_input(request, "x", 11 /* FP32 */, shape, 2, values, sizeof values);
  server.send(request, on_response, on_release, nullptr);
  answers.wait(0);
  auto end = std::chrono::steady_clock::now();
  releases.wait(0);
  return std::chrono::duration<double, std::micro>(end - start).count();
}

static void print_statistics(const TritonServer& server, const char* model) {
  TRITONSERVER_Message* message = nullptr;
  const char* statistics = nullptr;
  size_t size = 0;
  check(TRITONSERVER_ServerModelStatistics(server.get(), model, -1, &message));
  check(TRITONSERVER_MessageSerializeToJson(message, &statistics, &size));
  std::cout << std::string(statistics, size) << std::endl;
  check(TRITONSERVER_MessageDelete(message));
}

int main(int argc, char** argv) {
  if (argc != 5) {
    return 2;
  }
  TritonServer server(argv[1], argv[2], argv[4]);
  for (int i = 0; i < 100000; i++) {
    request(server, argv[3]);
  }
  std::vector<double> times(20000);
  for (double& time : times) {
    time = request(server, argv[3]);
  }
  std::nth_element(times.begin(), times.begin() + 10000, times.end());
  std::cout << times[10000] << std::endl;
  print_statistics(server, argv[3]);
  return 0;
}
