// The C ABI of the native kernels. FfnLayout.java and KernelBindings.java mirror it: the asserts below
// and the exported table wg_abi hold both sides to the same numbers.
//
// Every pointer may have any byte alignment. Sizes are the caller's promise (Java checks them); the
// kernels read and write no byte outside. No function keeps a pointer, allocates, locks or throws.
#ifndef WARMGATE_KERNELS_H
#define WARMGATE_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#define WG_API extern "C" __attribute__((visibility("default")))

enum wg_tier {
  WG_TIER_SCALAR = 0,
  WG_TIER_NEON = 1,
  WG_TIER_AVX2 = 2,
  WG_TIER_AVX512 = 3,
  WG_TIER_NEON_DOTPROD = 4,
  WG_TIER_AVX2_VNNI = 5,
  WG_TIER_AVX512_VNNI = 6
};

enum wg_activation {
  WG_RELU = 0,
  WG_GELU = 1,
  WG_SILU = 2,
  WG_IDENTITY = 3,
  WG_SWIGLU_INTERLEAVED = 4,
  WG_SWIGLU_HALVES = 5
};

enum wg_route_policy {
  WG_ROUTE_LOSSLESS = 0,
  WG_ROUTE_ADDITIVE = 1,
  WG_ROUTE_CACHE_PRIOR = 2,
  WG_ROUTE_MAX_RANK = 3
};

// All about a layer's routing that stays the same call after call, and what one of its threads knows of
// the running range. SharedRange.java says how threads share it; each has a copy of this struct.
struct wg_route {
  int32_t experts;
  int32_t top_k;
  int32_t all;        // 1: weights are shares of all experts; 0: of the chosen
  int32_t higher_id;  // 1: of equal logits the higher id goes first
  int32_t policy;
  int32_t keep_top;
  int32_t max_rank;
  float range_rate;
  uint64_t held;  // two floats, the range and the published one that it is based on; written by routes
  float* published;
};

// One expert of a batch and the assignments (token * top_k + rank) that it serves.
struct wg_expert {
  const void* fc1;             // [rows1, hidden], rows1 = inner, or 2 * inner if gated
  const void* scales1;         // [rows1, blocks] or, if not packed, null
  const void* zeros1;          // zero points or null
  const void* bias1;           // [rows1] or null
  const void* fc2;             // [hidden, inner]
  const void* scales2;         // [hidden, blocks]
  const void* zeros2;          // zero points or null
  const void* bias2;           // [hidden] or null
  const int32_t* assignments;  // [count]
  int64_t count;
};

// The arguments of the feed-forward steps.
struct wg_ffn {
  int32_t hidden;
  int32_t inner;
  int32_t activation;
  int32_t tokens;
  int32_t top_k;
  int32_t parts;
  int32_t expert_count;
  float alpha;
  float beta;
  float limit;
  int32_t bits;         // of a weight: 32 or 16: a real; 8, 4, 2: a packed integer
  int32_t block;        // packed weights of a row that share a scale; 0: all
  int32_t half_scales;  // 1: scales are fp16; 0: fp32
  int32_t half_biases;  // the same for biases
  int32_t fast;         // 1: packed weights are multiplied by activations rounded to int8
  const float* x;             // [tokens, hidden]
  float* inner_values;        // [tokens * top_k, inner]
  float* partial;             // [tokens * top_k, hidden]
  const float* gate_weights;  // [tokens * top_k]
  float* out;                 // [tokens, hidden]
  const wg_expert* experts;   // [expert_count]
};

#define WG_ASSERT_OFFSET(type, field, offset) \
  static_assert(offsetof(type, field) == offset, #type "." #field " has moved: see FfnLayout.java or RouteLayout.java")

WG_ASSERT_OFFSET(wg_ffn, hidden, 0);
WG_ASSERT_OFFSET(wg_ffn, inner, 4);
WG_ASSERT_OFFSET(wg_ffn, activation, 8);
WG_ASSERT_OFFSET(wg_ffn, tokens, 12);
WG_ASSERT_OFFSET(wg_ffn, top_k, 16);
WG_ASSERT_OFFSET(wg_ffn, parts, 20);
WG_ASSERT_OFFSET(wg_ffn, expert_count, 24);
WG_ASSERT_OFFSET(wg_ffn, alpha, 28);
WG_ASSERT_OFFSET(wg_ffn, beta, 32);
WG_ASSERT_OFFSET(wg_ffn, limit, 36);
WG_ASSERT_OFFSET(wg_ffn, bits, 40);
WG_ASSERT_OFFSET(wg_ffn, block, 44);
WG_ASSERT_OFFSET(wg_ffn, half_scales, 48);
WG_ASSERT_OFFSET(wg_ffn, half_biases, 52);
WG_ASSERT_OFFSET(wg_ffn, fast, 56);
WG_ASSERT_OFFSET(wg_ffn, x, 64);
WG_ASSERT_OFFSET(wg_ffn, inner_values, 72);
WG_ASSERT_OFFSET(wg_ffn, partial, 80);
WG_ASSERT_OFFSET(wg_ffn, gate_weights, 88);
WG_ASSERT_OFFSET(wg_ffn, out, 96);
WG_ASSERT_OFFSET(wg_ffn, experts, 104);
static_assert(sizeof(wg_ffn) == 112, "wg_ffn has grown: see FfnLayout.java");
WG_ASSERT_OFFSET(wg_expert, fc1, 0);
WG_ASSERT_OFFSET(wg_expert, scales1, 8);
WG_ASSERT_OFFSET(wg_expert, zeros1, 16);
WG_ASSERT_OFFSET(wg_expert, bias1, 24);
WG_ASSERT_OFFSET(wg_expert, fc2, 32);
WG_ASSERT_OFFSET(wg_expert, scales2, 40);
WG_ASSERT_OFFSET(wg_expert, zeros2, 48);
WG_ASSERT_OFFSET(wg_expert, bias2, 56);
WG_ASSERT_OFFSET(wg_expert, assignments, 64);
WG_ASSERT_OFFSET(wg_expert, count, 72);
static_assert(sizeof(wg_expert) == 80, "wg_expert has grown: see FfnLayout.java");

WG_ASSERT_OFFSET(wg_route, experts, 0);
WG_ASSERT_OFFSET(wg_route, top_k, 4);
WG_ASSERT_OFFSET(wg_route, all, 8);
WG_ASSERT_OFFSET(wg_route, higher_id, 12);
WG_ASSERT_OFFSET(wg_route, policy, 16);
WG_ASSERT_OFFSET(wg_route, keep_top, 20);
WG_ASSERT_OFFSET(wg_route, max_rank, 24);
WG_ASSERT_OFFSET(wg_route, range_rate, 28);
WG_ASSERT_OFFSET(wg_route, held, 32);
WG_ASSERT_OFFSET(wg_route, published, 40);
static_assert(sizeof(wg_route) == 48, "wg_route has grown: see RouteLayout.java");

#undef WG_ASSERT_OFFSET

// The numbers above as the compiler saw them, in that order. For Java's test.
WG_API const int32_t wg_abi[44];

// An empty text if this machine, as its operating system has set it up, can run the tier; else what
// is missing. The text is a constant of the library.
WG_API const char* wg_kernel_caps(int32_t tier);

// The kernels of one tier. Kernels.java says what they mean; wg_*_gate_weights gives 0, or -1 for an
// id that is neither -1 nor an expert. The last three of wg_*_route_extras may be null. The ffn functions fit thread pools that call f(void*, size_t).
#define WG_DECLARE_TIER(tier)                                                                    \
  WG_API int32_t wg_##tier##_topk(const float* logits, int64_t experts, const uint64_t* residents, \
                                  float bias, int64_t k, int32_t higher_id, int32_t* ids);       \
  WG_API int32_t wg_##tier##_gate_weights(const float* logits, int64_t experts,                  \
                                          const int32_t* ids, int64_t k, int32_t all,            \
                                          float* weights);                                       \
  WG_API void wg_##tier##_decay(float* values, int64_t count, float factor);                     \
  WG_API int32_t wg_##tier##_route(wg_route* plan, float lambda, const float* logits,            \
                                   int64_t tokens, const uint64_t* residents, int32_t* ids,      \
                                   float* weights);                                              \
  WG_API int32_t wg_##tier##_route_extras(wg_route* plan, float lambda, const float* logits,     \
                                          int64_t tokens, const uint64_t* residents,             \
                                          int32_t* ids, float* weights, int32_t* displaced,      \
                                          float* kept, int32_t* misses);                         \
  WG_API void wg_##tier##_widen(const void* halves, float* floats, int64_t count);               \
  WG_API void wg_##tier##_narrow(const float* floats, void* halves, int64_t count);              \
  WG_API void wg_##tier##_ffn_up(void* batch, size_t part);                                      \
  WG_API void wg_##tier##_ffn_down(void* batch, size_t part);                                    \
  WG_API void wg_##tier##_ffn_combine(void* batch, size_t part);

WG_DECLARE_TIER(neon)
WG_DECLARE_TIER(avx2)
WG_DECLARE_TIER(avx512)

// A variant of a tier has two functions of its own; the others are the tier's.
#define WG_DECLARE_VARIANT(variant)                         \
  WG_API void wg_##variant##_ffn_up(void* batch, size_t part); \
  WG_API void wg_##variant##_ffn_down(void* batch, size_t part);

WG_DECLARE_VARIANT(neon_dotprod)
WG_DECLARE_VARIANT(avx2_vnni)
WG_DECLARE_VARIANT(avx512_vnni)

#endif
