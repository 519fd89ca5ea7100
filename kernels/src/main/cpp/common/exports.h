// The exported functions of the tier WG_TIER. Include last.
#define WG_NAME2(tier, name) wg_##tier##_##name
#define WG_NAME1(tier, name) WG_NAME2(tier, name)
#define WG_NAME(name) WG_NAME1(WG_TIER, name)

int32_t WG_NAME(topk)(const float* logits, int64_t experts, const uint64_t* residents, float bias,
                      int64_t k, int32_t higher_id, int32_t* ids) {
  return higher_id ? topk<true>(logits, experts, residents, bias, k, ids)
                   : topk<false>(logits, experts, residents, bias, k, ids);
}

int32_t WG_NAME(gate_weights)(const float* logits, int64_t experts, const int32_t* ids, int64_t k,
                              int32_t all, float* weights) {
  return gate_weights(logits, experts, ids, k, all, weights);
}

int32_t WG_NAME(route)(wg_route* plan, float lambda, const float* logits, int64_t tokens,
                       const uint64_t* residents, int32_t* ids, float* weights) {
  return with_shape(plan, lambda, residents, [&](auto shape) {
    return route_lean<shape.kind, shape.policy>(plan, lambda, logits, tokens, residents, ids,
                                                weights);
  });
}

int32_t WG_NAME(route_extras)(wg_route* plan, float lambda, const float* logits, int64_t tokens,
                              const uint64_t* residents, int32_t* ids, float* weights,
                              int32_t* displaced, float* kept, int32_t* misses) {
  const Token first = {logits, ids, weights, displaced, kept, misses};
  return with_shape(plan, lambda, residents, [&](auto shape) {
    return route_full<shape.kind, shape.policy>(plan, lambda, tokens, residents, first);
  });
}

void WG_NAME(decay)(float* values, int64_t count, float factor) { decay(values, count, factor); }

void WG_NAME(widen)(const void* halves, float* floats, int64_t count) {
  widen(static_cast<const half*>(halves), floats, count);
}

void WG_NAME(narrow)(const float* floats, void* halves, int64_t count) {
  narrow(floats, static_cast<half*>(halves), count);
}

void WG_NAME(ffn_up)(void* batch, size_t part) {
  ffn_up(*static_cast<const wg_ffn*>(batch), (int64_t)part);
}

void WG_NAME(ffn_down)(void* batch, size_t part) {
  ffn_down(*static_cast<const wg_ffn*>(batch), (int64_t)part);
}

void WG_NAME(ffn_combine)(void* batch, size_t part) {
  ffn_combine(*static_cast<const wg_ffn*>(batch), (int64_t)part);
}
