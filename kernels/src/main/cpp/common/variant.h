// What a variant of the tier WG_TIER exports: the steps that it computes in another way, which are those
// with packed weights. For the others it calls the tier itself. Include last.
#define WG_NAME2(tier, name) wg_##tier##_##name
#define WG_NAME1(tier, name) WG_NAME2(tier, name)
#define WG_NAME(name) WG_NAME1(WG_VARIANT, name)
#define WG_TIER_NAME(name) WG_NAME1(WG_TIER, name)

namespace {

// Whether this was a step with packed weights.
bool packed_part(const wg_ffn& b, bool first, int64_t part) {
  if (!is_packed(b)) return false;
  const Range range = part_of(b, first, part);
  if (range.from != range.to) packed_step(b, first, range);
  return true;
}

}  // namespace

void WG_NAME(ffn_up)(void* batch, size_t part) {
  if (!packed_part(*static_cast<const wg_ffn*>(batch), true, (int64_t)part)) {
    WG_TIER_NAME(ffn_up)(batch, part);
  }
}

void WG_NAME(ffn_down)(void* batch, size_t part) {
  if (!packed_part(*static_cast<const wg_ffn*>(batch), false, (int64_t)part)) {
    WG_TIER_NAME(ffn_down)(batch, part);
  }
}
