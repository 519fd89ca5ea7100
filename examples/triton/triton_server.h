// A Triton server in this process: what every host needs before its first request.

#pragma once

#include <cstdlib>
#include <iostream>

#include "triton_api.h"

// Ends the process with Triton's line, if there is one.
inline void check(Error* error) {
  if (error != nullptr) {
    std::cerr << TRITONSERVER_ErrorMessage(error) << std::endl;
    std::exit(1);
  }
}

// Serves the models of a repository until it is destroyed, which waits for requests under way.
class TritonServer {
 public:
  // Without java_home, the backend looks for a JVM itself.
  TritonServer(const char* repository, const char* backends, const char* java_home) {
    Options* options = nullptr;
    check(TRITONSERVER_ServerOptionsNew(&options));
    check(TRITONSERVER_ServerOptionsSetModelRepositoryPath(options, repository));
    check(TRITONSERVER_ServerOptionsSetBackendDirectory(options, backends));
    check(TRITONSERVER_ServerOptionsSetStrictModelConfig(options, false));
    check(TRITONSERVER_ServerOptionsSetLogInfo(options, false));
    check(TRITONSERVER_ServerOptionsSetLogWarn(options, false));
    if (java_home != nullptr) {
      check(TRITONSERVER_ServerOptionsSetBackendConfig(options, "warmgate", "java-home", java_home));
    }
    check(TRITONSERVER_ServerNew(&server_, options));
    check(TRITONSERVER_ServerOptionsDelete(options));
    check(TRITONSERVER_ResponseAllocatorNew(&allocator_, allocate, release, nullptr));
  }

  ~TritonServer() {
    check(TRITONSERVER_ServerStop(server_));
    check(TRITONSERVER_ServerDelete(server_));
    check(TRITONSERVER_ResponseAllocatorDelete(allocator_));
  }

  TritonServer(const TritonServer&) = delete;
  TritonServer& operator=(const TritonServer&) = delete;

  Server* get() const { return server_; }

  Request* request(const char* model) const {
    Request* request = nullptr;
    check(TRITONSERVER_InferenceRequestNew(&request, server_, model, -1));
    return request;
  }

  // Sends a request. The data of its inputs stays as it is until on_release, which gets `user` as
  // on_response does.
  void send(Request* request, void (*on_response)(Response*, uint32_t, void*),
            void (*on_release)(Request*, uint32_t, void*), void* user) const {
    check(TRITONSERVER_InferenceRequestSetReleaseCallback(request, on_release, user));
    check(TRITONSERVER_InferenceRequestSetResponseCallback(request, allocator_, nullptr,
                                                           on_response, user));
    check(TRITONSERVER_ServerInferAsync(server_, request, nullptr));
  }

 private:
  static Error* allocate(Allocator*, const char*, size_t size, int, int64_t, void*, void** buffer,
                         void** user, int* type, int64_t* id) {
    *buffer = std::malloc(size);
    *user = nullptr;
    *type = 0;  // the CPU's memory
    *id = 0;
    return nullptr;
  }

  static Error* release(Allocator*, void* buffer, void*, size_t, int, int64_t) {
    std::free(buffer);
    return nullptr;
  }

  Server* server_ = nullptr;
  Allocator* allocator_ = nullptr;
};

// An input of one piece.
inline void add_input(Request* request, const char* name, int type, const int64_t* shape,
                      uint64_t rank, const void* data, size_t bytes) {
  check(TRITONSERVER_InferenceRequestAddInput(request, name, type, shape, rank));
  check(TRITONSERVER_InferenceRequestAppendInputData(request, name, data, bytes, 0, 0));
}
