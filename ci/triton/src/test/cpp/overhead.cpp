// Sends requests to small models, one at a time, in ten rounds in which all have their turn. Prints for each
// model the median time of a request in microseconds, round by round.
//
//   overhead REPOSITORY BACKENDS JAVA_HOME MODEL...

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <string>
#include <vector>

#include "../../../../../examples/triton/triton_server.h"

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

static double median(const TritonServer& server, const char* model, size_t requests) {
  std::vector<double> times(requests);
  for (double& time : times) {
    time = request(server, model);
  }
  std::nth_element(times.begin(), times.begin() + times.size() / 2, times.end());
  return times[times.size() / 2];
}

int main(int argc, char** argv) {
  if (argc < 5) {
    return 2;
  }
  TritonServer server(argv[1], argv[2], argv[3]);
  std::vector<std::string> lines(argv + 4, argv + argc);
  for (int model = 4; model < argc; model++) {
    median(server, argv[model], 30000);
  }
  for (int round = 0; round < 10; round++) {
    for (int model = 4; model < argc; model++) {
      lines[model - 4] += " " + std::to_string(std::lround(median(server, argv[model], 2000)));
    }
  }
  for (const std::string& line : lines) {
    std::cout << line << std::endl;
  }
  return 0;
}
