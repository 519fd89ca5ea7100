package dev.warmgate.routing.dispatch;

import java.util.Arrays;

/** The published phase router, written down step by step: the oracle of {@link PhaseRouter}. */
final class PhaseReference {
  private PhaseReference() {}

  static int[] route(
      int[] sourceOnes, int[] targetOnes, int[] ps, int[] pt, int fanOut, long seed) {
    int n = sourceOnes.length;
    int[] sourceOffset = offsets(sourceOnes);
    int[] targetOffset = offsets(targetOnes);
    int[] inverse = new int[n];
    for (int i = 0; i < n; i++) {
      inverse[ps[i]] = i;
    }
    int[] out = new int[n * fanOut];
    Arrays.fill(out, -1);
    for (int j = 0; j < n; j++) {
      ChaCha8Random random = new ChaCha8Random(seed + j);
      int count = 0;
      for (int i = 0; i < sourceOnes[j]; i++) {
        int c = inverse[(sourceOffset[j] + i) % n];
        if (Math.floorMod(pt[j] - targetOffset[c], n) < targetOnes[c]) {
          if (count < fanOut) {
            out[j * fanOut + count] = c;
          } else {
            long r = uniform(random, count + 1);
            if (r < fanOut) {
              out[j * fanOut + (int) r] = c;
            }
          }
          count++;
        }
      }
    }
    return out;
  }

  private static int[] offsets(int[] ones) {
    int[] offsets = new int[ones.length];
    for (int i = 1; i < ones.length; i++) {
      offsets[i] = (offsets[i - 1] + ones[i - 1]) % ones.length;
    }
    return offsets;
  }

  private static long uniform(ChaCha8Random random, long range) {
    long zone = (range << Long.numberOfLeadingZeros(range)) - 1;
    while (true) {
      long v = random.nextLong();
      if (Long.compareUnsigned(v * range, zone) <= 0) {
        return Math.unsignedMultiplyHigh(v, range);
      }
    }
  }
}
