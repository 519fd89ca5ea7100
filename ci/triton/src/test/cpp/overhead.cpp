// Sends requests to small models, one at a time, in ten rounds in which all have their turn. Prints for each
// model the median time of a request in microseconds, round by round: first on processors that sleep when
// they have nothing to do, as between two requests, then on such that are kept awake, as a busy server's are.
//
//   overhead REPOSITORY BACKENDS JAVA_HOME MODEL...

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <string>
#include <thread>
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

static void rounds(const TritonServer& server, const std::vector<const char*>& models, const char* how) {
  std::vector<std::string> lines;
  for (const char* model : models) {
    lines.push_back(std::string(model) + how);
  }
  for (int round = 0; round < 10; round++) {
    for (size_t i = 0; i < models.size(); i++) {
      lines[i] += " " + std::to_string(std::lround(median(server, models[i], 2000)));
    }
  }
  for (const std::string& line : lines) {
    std::cout << line << std::endl;
  }
}

// Runs when nothing else wants the processor.
static void stay_awake(const std::atomic<bool>& over) {
  sched_param none{};
  sched_setscheduler(0, SCHED_IDLE, &none);
  while (!over) {
  }
}

int main(int argc, char** argv) {
  if (argc < 5) {
    return 2;
  }
  TritonServer server(argv[1], argv[2], argv[3]);
  std::vector<const char*> models(argv + 4, argv + argc);
  for (const char* model : models) {
    median(server, model, 30000);
  }
  rounds(server, models, ", processors sleep:");
  std::atomic<bool> over{false};
  std::vector<std::jthread> idle(std::max(1u, std::thread::hardware_concurrency()));
  for (std::jthread& thread : idle) {
    thread = std::jthread(stay_awake, std::ref(over));
  }
  rounds(server, models, ", processors awake:");
  over = true;
  return 0;
}
