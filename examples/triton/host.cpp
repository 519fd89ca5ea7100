// Triton in a C++ program, with Warmgate in Triton: reads prompts, a line each, and writes on from
// them until the input ends or SIGINT comes.
//
//   g++ -std=c++17 host.cpp -L FOLDER -ltritonserver -Wl,-rpath,FOLDER -o host
//   ./host REPOSITORY BACKENDS MODEL [JAVA_HOME] < prompts.txt
//
// With Triton's headers at hand, include triton/core/tritonserver.h instead of triton_api.h.

#include <signal.h>

#include <cstdint>
#include <cstdlib>
#include <future>
#include <iostream>
#include <string>

#include "triton_api.h"

static void check(Error* error) {
  if (error != nullptr) {
    std::cerr << TRITONSERVER_ErrorMessage(error) << std::endl;
    std::exit(1);
  }
}

static volatile sig_atomic_t interrupted = 0;

// Each piece of text comes as a response of its own; the last one has the flag 1.
static void on_response(Response* response, uint32_t flags, void* done) {
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
    static_cast<std::promise<void>*>(done)->set_value();
  }
}

static void write_on(Server* server, Allocator* allocator, const char* model, std::string prompt) {
  std::cout << prompt << std::flush;
  uint32_t length = static_cast<uint32_t>(prompt.size());
  std::string text = std::string(reinterpret_cast<char*>(&length), 4) + prompt;
  int32_t tokens = 32;
  bool stream = true;
  int64_t one = 1;
  Request* request = nullptr;
  check(TRITONSERVER_InferenceRequestNew(&request, server, model, -1));
  auto input = [&](const char* name, int type, const void* data, size_t bytes) {
    check(TRITONSERVER_InferenceRequestAddInput(request, name, type, &one, 1));
    check(TRITONSERVER_InferenceRequestAppendInputData(request, name, data, bytes, 0, 0));
  };
  input("text_input", 13 /* BYTES */, text.data(), text.size());
  input("max_tokens", 8 /* INT32 */, &tokens, sizeof tokens);
  input("stream", 1 /* BOOL */, &stream, sizeof stream);
  std::promise<void> done;
  std::promise<void> released;  // until then, Triton may read our inputs
  check(TRITONSERVER_InferenceRequestSetReleaseCallback(
      request,
      [](Request* gone, uint32_t, void* promise) {
        check(TRITONSERVER_InferenceRequestDelete(gone));
        static_cast<std::promise<void>*>(promise)->set_value();
      },
      &released));
  check(TRITONSERVER_InferenceRequestSetResponseCallback(request, allocator, nullptr, on_response,
                                                         &done));
  check(TRITONSERVER_ServerInferAsync(server, request, nullptr));
  done.get_future().wait();
  released.get_future().wait();
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

  Options* options = nullptr;
  check(TRITONSERVER_ServerOptionsNew(&options));
  check(TRITONSERVER_ServerOptionsSetModelRepositoryPath(options, argv[1]));
  check(TRITONSERVER_ServerOptionsSetBackendDirectory(options, argv[2]));
  check(TRITONSERVER_ServerOptionsSetStrictModelConfig(options, false));
  check(TRITONSERVER_ServerOptionsSetLogInfo(options, false));
  check(TRITONSERVER_ServerOptionsSetLogWarn(options, false));
  if (argc > 4) {
    check(TRITONSERVER_ServerOptionsSetBackendConfig(options, "warmgate", "java-home", argv[4]));
  }
  Server* server = nullptr;
  check(TRITONSERVER_ServerNew(&server, options));
  check(TRITONSERVER_ServerOptionsDelete(options));
  Allocator* allocator = nullptr;
  check(TRITONSERVER_ResponseAllocatorNew(
      &allocator,
      [](Allocator*, const char*, size_t size, int, int64_t, void*, void** buffer, void** user,
         int* type, int64_t* id) -> Error* {
        *buffer = std::malloc(size);
        *user = nullptr;
        *type = 0;
        *id = 0;
        return nullptr;
      },
      [](Allocator*, void* buffer, void*, size_t, int, int64_t) -> Error* {
        std::free(buffer);
        return nullptr;
      },
      nullptr));
  std::cout << "ready" << std::endl;
  for (std::string prompt; !interrupted && std::getline(std::cin, prompt);) {
    write_on(server, allocator, argv[3], prompt);
  }
  check(TRITONSERVER_ServerStop(server));
  check(TRITONSERVER_ServerDelete(server));
  std::cout << (interrupted ? "interrupted" : "done") << std::endl;
  return 0;
}
