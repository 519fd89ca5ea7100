// Which tiers this machine can run: the processor's features and what the operating system enabled,
// for every feature that build.sh lets the compiler use. Compiled for the platform's baseline.
#include "warmgate_kernels.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <string.h>

namespace {

enum Word { LEAF1_ECX, LEAF7_EBX, LEAF7_ECX, LEAF71_EAX, EXT1_ECX, WORDS };

struct Feature {
  Word word;
  int bit;
  const char* missing;
};

const Feature AVX2_FEATURES[] = {
    {LEAF1_ECX, 0, "the processor lacks sse3"},     {LEAF1_ECX, 9, "the processor lacks ssse3"},
    {LEAF1_ECX, 19, "the processor lacks sse4_1"},  {LEAF1_ECX, 20, "the processor lacks sse4_2"},
    {LEAF1_ECX, 23, "the processor lacks popcnt"},  {LEAF1_ECX, 28, "the processor lacks avx"},
    {LEAF1_ECX, 29, "the processor lacks f16c"},    {LEAF1_ECX, 12, "the processor lacks fma"},
    {LEAF7_EBX, 3, "the processor lacks bmi1"},     {LEAF7_EBX, 5, "the processor lacks avx2"},
    {LEAF7_EBX, 8, "the processor lacks bmi2"},     {EXT1_ECX, 5, "the processor lacks lzcnt"},
};

const Feature AVX512_FEATURES[] = {
    {LEAF7_EBX, 16, "the processor lacks avx512f"},
    {LEAF7_EBX, 17, "the processor lacks avx512dq"},
    {LEAF7_EBX, 30, "the processor lacks avx512bw"},
    {LEAF7_EBX, 31, "the processor lacks avx512vl"},
};

const Feature AVX2_VNNI_FEATURES[] = {{LEAF71_EAX, 4, "the processor lacks avx_vnni"}};
const Feature AVX512_VNNI_FEATURES[] = {{LEAF7_ECX, 11, "the processor lacks avx512_vnni"}};

const int OSXSAVE = 27;
const uint64_t XCR0_AVX = 0x06;     // SSE and AVX state
const uint64_t XCR0_AVX512 = 0xe6;  // and opmask, upper halves, upper registers

uint64_t xcr0() {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t)high << 32 | low;
}

void read_features(uint32_t words[WORDS]) {
  uint32_t a, b, c, d;
  memset(words, 0, WORDS * sizeof *words);
  if (__get_cpuid(1, &a, &b, &c, &d)) words[LEAF1_ECX] = c;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
    words[LEAF7_EBX] = b;
    words[LEAF7_ECX] = c;
    // The greatest subleaf; those beyond it need not read as zero.
    if (a >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d)) words[LEAF71_EAX] = a;
  }
  if (__get_cpuid(0x80000001u, &a, &b, &c, &d)) words[EXT1_ECX] = c;
}

// The first of the features that is missing, or null.
template <size_t N>
const char* missing_of(const uint32_t* words, const Feature (&features)[N]) {
  for (const Feature& feature : features) {
    if (!(words[feature.word] >> feature.bit & 1)) return feature.missing;
  }
  return nullptr;
}

const char* missing_of(const uint32_t* words, int32_t tier) {
  const bool wide = tier == WG_TIER_AVX512 || tier == WG_TIER_AVX512_VNNI;
  const char* missing = missing_of(words, AVX2_FEATURES);
  if (!missing && wide) missing = missing_of(words, AVX512_FEATURES);
  if (!missing && tier == WG_TIER_AVX512_VNNI) missing = missing_of(words, AVX512_VNNI_FEATURES);
  if (!missing && tier == WG_TIER_AVX2_VNNI) missing = missing_of(words, AVX2_VNNI_FEATURES);
  if (missing) return missing;
  // Only after OSXSAVE is seen may xgetbv run.
  const uint64_t enabled = words[LEAF1_ECX] >> OSXSAVE & 1 ? xcr0() : 0;
  const uint64_t needed = wide ? XCR0_AVX512 : XCR0_AVX;
  if ((enabled & needed) == needed) return "";
  return wide ? "the operating system has not enabled AVX-512 state (XCR0)"
              : "the operating system has not enabled AVX state (XCR0)";
}

}  // namespace

const char* wg_kernel_caps(int32_t tier) {
  switch (tier) {
    case WG_TIER_AVX2:
    case WG_TIER_AVX2_VNNI:
    case WG_TIER_AVX512:
    case WG_TIER_AVX512_VNNI: {
      uint32_t words[WORDS];
      read_features(words);
      return missing_of(words, tier);
    }
    default:
      return "it is a tier of another processor";
  }
}

#elif defined(__aarch64__)
#include <sys/auxv.h>

namespace {
const unsigned long HWCAP_FP_BIT = 1ul << 0;
const unsigned long HWCAP_ASIMD_BIT = 1ul << 1;
const unsigned long HWCAP_ASIMDDP_BIT = 1ul << 20;
}  // namespace

const char* wg_kernel_caps(int32_t tier) {
  if (tier != WG_TIER_NEON && tier != WG_TIER_NEON_DOTPROD) return "it is a tier of another processor";
  const unsigned long has = getauxval(AT_HWCAP), least = HWCAP_FP_BIT | HWCAP_ASIMD_BIT;
  if ((has & least) != least) return "the processor lacks asimd";
  if (tier == WG_TIER_NEON_DOTPROD && !(has & HWCAP_ASIMDDP_BIT)) return "the processor lacks asimddp";
  return "";
}

#else
#error "no kernels for this processor"
#endif

const int32_t wg_abi[44] = {
    offsetof(wg_ffn, hidden), offsetof(wg_ffn, inner), offsetof(wg_ffn, activation),
    offsetof(wg_ffn, tokens), offsetof(wg_ffn, top_k), offsetof(wg_ffn, parts),
    offsetof(wg_ffn, expert_count), offsetof(wg_ffn, alpha), offsetof(wg_ffn, beta),
    offsetof(wg_ffn, limit), offsetof(wg_ffn, bits), offsetof(wg_ffn, block),
    offsetof(wg_ffn, half_scales), offsetof(wg_ffn, half_biases),
    offsetof(wg_ffn, fast), offsetof(wg_ffn, x), offsetof(wg_ffn, inner_values),
    offsetof(wg_ffn, partial), offsetof(wg_ffn, gate_weights), offsetof(wg_ffn, out),
    offsetof(wg_ffn, experts), sizeof(wg_ffn), offsetof(wg_expert, fc1),
    offsetof(wg_expert, scales1), offsetof(wg_expert, zeros1), offsetof(wg_expert, bias1),
    offsetof(wg_expert, fc2), offsetof(wg_expert, scales2), offsetof(wg_expert, zeros2),
    offsetof(wg_expert, bias2), offsetof(wg_expert, assignments), offsetof(wg_expert, count),
    sizeof(wg_expert),
    offsetof(wg_route, experts),    offsetof(wg_route, top_k),      offsetof(wg_route, all),
    offsetof(wg_route, higher_id),  offsetof(wg_route, policy),     offsetof(wg_route, keep_top),
    offsetof(wg_route, max_rank),   offsetof(wg_route, range_rate), offsetof(wg_route, held),
    offsetof(wg_route, published),  sizeof(wg_route),
};
