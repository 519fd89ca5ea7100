// A backend that reads its input and answers with zeros in its shape: what a request costs in Triton, whoever
// serves it. Outputs are y and z.

#include <array>
#include <cstdint>
#include <cstring>

#define OPAQUE(name) struct TRITON##name
OPAQUE(SERVER_Error); OPAQUE(BACKEND_Input); OPAQUE(BACKEND_ModelInstance); OPAQUE(BACKEND_Output);
OPAQUE(BACKEND_Request); OPAQUE(BACKEND_Response);
using Error = TRITONSERVER_Error;
using Input = TRITONBACKEND_Input;
using Instance = TRITONBACKEND_ModelInstance;
using Output = TRITONBACKEND_Output;
using Request = TRITONBACKEND_Request;
using Response = TRITONBACKEND_Response;

extern "C" {
Error* TRITONBACKEND_RequestInputByIndex(Request*, uint32_t, Input**);
Error* TRITONBACKEND_InputProperties(Input*, const char**, int*, const int64_t**, uint32_t*, uint64_t*, uint32_t*);
Error* TRITONBACKEND_InputBuffer(Input*, uint32_t, const void**, uint64_t*, int*, int64_t*);
Error* TRITONBACKEND_ResponseNew(Response**, Request*);
Error* TRITONBACKEND_ResponseOutput(Response*, Output**, const char*, int, const int64_t*, uint32_t);
Error* TRITONBACKEND_OutputBuffer(Output*, void**, uint64_t, int*, int64_t*);
Error* TRITONBACKEND_ResponseSend(Response*, uint32_t, Error*);
Error* TRITONBACKEND_RequestRelease(Request*, uint32_t);
Error* TRITONBACKEND_ModelInstanceReportStatistics(Instance*, Request*, bool, uint64_t, uint64_t, uint64_t, uint64_t);
Error* TRITONBACKEND_ModelInstanceReportBatchStatistics(Instance*, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
}

static void answer(Instance* instance, Request* request) {
  Input* input = nullptr;
  const char* name; int type; const int64_t* shape; uint32_t rank; uint64_t bytes; uint32_t pieces;
  TRITONBACKEND_RequestInputByIndex(request, 0, &input);
  TRITONBACKEND_InputProperties(input, &name, &type, &shape, &rank, &bytes, &pieces);
  const void* content; uint64_t size; int memory = 0; int64_t memory_id = 0;
  TRITONBACKEND_InputBuffer(input, 0, &content, &size, &memory, &memory_id);
  Response* response = nullptr;
  TRITONBACKEND_ResponseNew(&response, request);
  for (const char* wanted : std::array<const char*, 2>{"y", "z"}) {
    Output* output = nullptr;
    void* buffer = nullptr;
    TRITONBACKEND_ResponseOutput(response, &output, wanted, type, shape, rank);
    TRITONBACKEND_OutputBuffer(output, &buffer, bytes, &memory, &memory_id);
    std::memset(buffer, 0, bytes);
  }
  TRITONBACKEND_ResponseSend(response, 1, nullptr);
  TRITONBACKEND_ModelInstanceReportStatistics(instance, request, true, 1, 2, 3, 4);
  TRITONBACKEND_ModelInstanceReportBatchStatistics(instance, 1, 1, 2, 3, 4);
  TRITONBACKEND_RequestRelease(request, 1);
}

extern "C" __attribute__((visibility("default"))) Error* TRITONBACKEND_ModelInstanceExecute(
    Instance* instance, Request** requests, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    answer(instance, requests[i]);
  }
  return nullptr;
}
