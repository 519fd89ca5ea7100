// Experts in fp32: the two products of an expert by OpenBLAS's sgemm and by Warmgate's kernels, in turns, one thread.
// The experts come in turn out of more memory than caches hold. Warmgate's part has the activation too.
//
//   openblas LIBOPENBLAS LIBWARMGATE_KERNELS TIER

#include <dlfcn.h>
#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <string>
#include <vector>

#include "warmgate_kernels.h"

namespace {

constexpr int kRowMajor = 101, kNoTrans = 111, kTrans = 112;  // of CBLAS
constexpr size_t kBytes = size_t{384} << 20;
constexpr int kRounds = 60;

using Gemm = void (*)(int, int, int, int, int, int, float, const float*, int, const float*, int, float, float*, int);
using Step = void (*)(void*, size_t);

void* symbol(const char* library, const std::string& name) {
  void* handle = dlopen(library, RTLD_NOW);
  void* found = handle == nullptr ? nullptr : dlsym(handle, name.c_str());
  if (found == nullptr) {
    std::fprintf(stderr, "openblas: %s\n", dlerror());
    std::exit(1);
  }
  return found;
}

template <typename Body>
double gflops(double operations, Body body) {
  auto start = std::chrono::steady_clock::now();
  body();
  return operations / std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double>& values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const std::string tier = argv[3];
  auto gemm = reinterpret_cast<Gemm>(symbol(argv[1], "cblas_sgemm"));
  auto up = reinterpret_cast<Step>(symbol(argv[2], "wg_" + tier + "_ffn_up"));
  auto down = reinterpret_cast<Step>(symbol(argv[2], "wg_" + tier + "_ffn_down"));
  auto* memory = static_cast<float*>(std::aligned_alloc(2 << 20, kBytes));
  madvise(memory, kBytes, MADV_HUGEPAGE);
  for (size_t i = 0; i < kBytes / sizeof(float); i++) memory[i] = static_cast<float>(i & 255) / 4096;

  for (auto [hidden, inner] : {std::pair{2048, 768}, std::pair{1024, 512}}) {
    for (int tokens : {8, 32, 64}) {
      const size_t first = size_t{2} * inner * hidden, each = first + size_t{1} * hidden * inner;
      const size_t experts = kBytes / sizeof(float) / each;
      const double operations = 2.0 * tokens * static_cast<double>(each);
      std::vector<float> x(size_t{1} * tokens * hidden, 0.01f), both(size_t{2} * tokens * inner);
      std::vector<float> activated(size_t{1} * tokens * inner, 0.02f), y(size_t{1} * tokens * hidden);
      std::vector<int32_t> assignments(tokens);
      std::iota(assignments.begin(), assignments.end(), 0);
      std::vector<double> theirs, ours;
      size_t next = 0;
      for (int round = 0; round < kRounds; round++) {
        const float* w = memory + next++ % experts * each;
        theirs.push_back(gflops(operations, [&] {
          gemm(kRowMajor, kNoTrans, kTrans, tokens, 2 * inner, hidden, 1, x.data(), hidden, w, hidden, 0, both.data(),
               2 * inner);
          gemm(kRowMajor, kNoTrans, kTrans, tokens, hidden, inner, 1, activated.data(), inner, w + first, inner, 0,
               y.data(), hidden);
        }));
        w = memory + next++ % experts * each;
        wg_expert expert = {};
        expert.fc1 = w;
        expert.fc2 = w + first;
        expert.assignments = assignments.data();
        expert.count = tokens;
        wg_ffn batch = {};
        batch.hidden = hidden;
        batch.inner = inner;
        batch.activation = WG_SWIGLU_HALVES;
        batch.tokens = tokens;
        batch.top_k = batch.parts = batch.expert_count = 1;
        batch.alpha = 1;
        batch.limit = 1e30f;
        batch.bits = 32;
        batch.x = x.data();
        batch.inner_values = activated.data();
        batch.partial = y.data();
        batch.experts = &expert;
        ours.push_back(gflops(operations, [&] {
          up(&batch, 0);
          down(&batch, 0);
        }));
      }
      std::printf("H=%d I=%d, %2d tokens: OpenBLAS %3.0f GFLOP/s, Warmgate %3.0f\n", hidden, inner, tokens,
                  median(theirs), median(ours));
    }
  }
  std::free(memory);
  return 0;
}
