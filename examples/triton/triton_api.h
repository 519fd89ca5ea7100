// The part of Triton's in-process C API that the hosts here use, as triton/core/tritonserver.h has it.

#pragma once

#include <cstddef>
#include <cstdint>

#define OPAQUE(name) struct TRITONSERVER_##name
OPAQUE(Error); OPAQUE(Server); OPAQUE(ServerOptions); OPAQUE(ResponseAllocator);
OPAQUE(InferenceRequest); OPAQUE(InferenceResponse); OPAQUE(InferenceTrace);
using Error = TRITONSERVER_Error;
using Server = TRITONSERVER_Server;
using Options = TRITONSERVER_ServerOptions;
using Allocator = TRITONSERVER_ResponseAllocator;
using Request = TRITONSERVER_InferenceRequest;
using Response = TRITONSERVER_InferenceResponse;
extern "C" {
const char* TRITONSERVER_ErrorMessage(Error*);
Error* TRITONSERVER_ServerOptionsNew(Options**);
Error* TRITONSERVER_ServerOptionsSetModelRepositoryPath(Options*, const char*);
Error* TRITONSERVER_ServerOptionsSetBackendDirectory(Options*, const char*);
Error* TRITONSERVER_ServerOptionsSetBackendConfig(Options*, const char*, const char*, const char*);
Error* TRITONSERVER_ServerOptionsSetStrictModelConfig(Options*, bool);
Error* TRITONSERVER_ServerOptionsSetLogInfo(Options*, bool);
Error* TRITONSERVER_ServerOptionsSetLogWarn(Options*, bool);
Error* TRITONSERVER_ServerOptionsDelete(Options*);
Error* TRITONSERVER_ServerNew(Server**, Options*);
Error* TRITONSERVER_ServerStop(Server*);
Error* TRITONSERVER_ServerDelete(Server*);
Error* TRITONSERVER_ServerInferAsync(Server*, Request*, TRITONSERVER_InferenceTrace*);
Error* TRITONSERVER_ResponseAllocatorNew(
    Allocator**,
    Error* (*)(Allocator*, const char*, size_t, int, int64_t, void*, void**, void**, int*, int64_t*),
    Error* (*)(Allocator*, void*, void*, size_t, int, int64_t), void*);
Error* TRITONSERVER_ResponseAllocatorDelete(Allocator*);
Error* TRITONSERVER_InferenceRequestNew(Request**, Server*, const char*, int64_t);
Error* TRITONSERVER_InferenceRequestDelete(Request*);
Error* TRITONSERVER_InferenceRequestAddInput(Request*, const char*, int, const int64_t*, uint64_t);
Error* TRITONSERVER_InferenceRequestAppendInputData(Request*, const char*, const void*, size_t, int,
                                                    int64_t);
Error* TRITONSERVER_InferenceRequestSetReleaseCallback(Request*, void (*)(Request*, uint32_t, void*),
                                                       void*);
Error* TRITONSERVER_InferenceRequestSetResponseCallback(Request*, Allocator*, void*,
                                                        void (*)(Response*, uint32_t, void*), void*);
Error* TRITONSERVER_InferenceResponseError(Response*);
Error* TRITONSERVER_InferenceResponseOutput(Response*, uint32_t, const char**, int*, const int64_t**,
                                            uint64_t*, const void**, size_t*, int*, int64_t*, void**);
Error* TRITONSERVER_InferenceResponseDelete(Response*);
}
