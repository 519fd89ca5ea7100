// Triton in a C++ program, with Warmgate in Triton: reads prompts, a line each, and writes on from
// them until the input ends or SIGINT comes.
//
//   g++ -std=c++17 host.cpp -L FOLDER -ltritonserver -Wl,-rpath,FOLDER -o host
//   ./host REPOSITORY BACKENDS MODEL [JAVA_HOME] < prompts.txt
//
// With Triton's headers at hand, include triton/core/tritonserver.h instead of triton_api.h.

#include <signal.h>

#include <cstdint>
#include <future>
#include <iostream>
#include <string>

#include "triton_server.h"

static volatile sig_atomic_t interrupted = 0;

// What is under way: done with the last response, released when Triton reads our inputs no more.
struct Writing {
  std::promise<void> done;
  std::promise<void> released;
};

// Each piece of text comes as a response of its own; the last one has the flag 1.
static void on_response(Response* response, uint32_t flags, void* writing) {
  if (response != nullptr) {
    if (Error* error = TRITONSERVER_InferenceResponseError(response)) {
      std::cerr << TRITONSERVER_ErrorMessage(error) << std::endl;
    } else {
      const char* name; int type; const int64_t* shape; uint64_t rank; const void* base;
      size_t size; int memory; int64_t memory_id; void* user;
      check(TRITONSERVER_InferenceResponseOutput(response, 0, &name, &type, &shape, &rank, &base,
                                                 &size, &memory, &memory_id, &user));
      // A string: its length in four bytes, then its text. text_output is the first output.
      std::cout.write(static_cast<const char*>(base) + 4, static_cast<std::streamsize>(size) - 4);
      std::cout.flush();
    }
    check(TRITONSERVER_InferenceResponseDelete(response));
  }
  if (flags & 1) {
    static_cast<Writing*>(writing)->done.set_value();
  }
}

static void on_release(Request* request, uint32_t, void* writing) {
  check(TRITONSERVER_InferenceRequestDelete(request));
  static_cast<Writing*>(writing)->released.set_value();
}

static void write_on(const TritonServer& server, const char* model, const std::string& prompt) {
  std::cout << prompt << std::flush;
  uint32_t length = static_cast<uint32_t>(prompt.size());
  std::string text = std::string(reinterpret_cast<char*>(&length), 4) + prompt;
  int32_t tokens = 32;
  bool stream = true;
  int64_t one = 1;
  Writing writing;
  Request* request = server.request(model);
  add_input(request, "text_input", 13 /* BYTES */, &one, 1, text.data(), text.size());
  add_input(request, "max_tokens", 8 /* INT32 */, &one, 1, &tokens, sizeof tokens);
  add_input(request, "stream", 1 /* BOOL */, &one, 1, &stream, sizeof stream);
  server.send(request, on_response, on_release, &writing);
  writing.done.get_future().wait();
  writing.released.get_future().wait();
  std::cout << std::endl;
}

int main(int argc, char** argv) {
  if (argc < 4) {
    std::cerr << "usage: host REPOSITORY BACKENDS MODEL [JAVA_HOME]" << std::endl;
    return 2;
  }
  struct sigaction action = {};
  action.sa_handler = [](int) { interrupted = 1; };  // no SA_RESTART: reading a line ends
  sigaction(SIGINT, &action, nullptr);
  {
    TritonServer server(argv[1], argv[2], argc > 4 ? argv[4] : nullptr);
    std::cout << "ready" << std::endl;
    for (std::string prompt; !interrupted && std::getline(std::cin, prompt);) {
      write_on(server, argv[3], prompt);
    }
  }
  std::cout << (interrupted ? "interrupted" : "done") << std::endl;
  return 0;
}
