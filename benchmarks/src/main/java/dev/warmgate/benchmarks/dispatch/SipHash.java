package dev.warmgate.benchmarks.dispatch;

/**
 * SipHash-1-3 with a zero key of three 64-bit words, little-endian: what Rust's {@code
 * DefaultHasher} makes of a tuple of three {@code u64}, which the published hash router uses.
 */
final class SipHash {
  private long v0;
  private long v1;
  private long v2;
  private long v3;

  private SipHash() {
    v0 = 0x736f6d6570736575L;
    v1 = 0x646f72616e646f6dL;
    v2 = 0x6c7967656e657261L;
    v3 = 0x7465646279746573L;
  }

  static long hash(long a, long b, long c) {
    SipHash state = new SipHash();
    state.absorb(a);
    state.absorb(b);
    state.absorb(c);
    // The last block: the length in bytes in its top byte, no bytes left over.
    state.absorb(24L << 56);
    state.v2 ^= 0xff;
    state.round();
    state.round();
    state.round();
    return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
  }

  private void absorb(long word) {
    v3 ^= word;
    round();
    v0 ^= word;
  }

  private void round() {
    v0 += v1;
    v1 = Long.rotateLeft(v1, 13) ^ v0;
    v0 = Long.rotateLeft(v0, 32);
    v2 += v3;
    v3 = Long.rotateLeft(v3, 16) ^ v2;
    v0 += v3;
    v3 = Long.rotateLeft(v3, 21) ^ v0;
    v2 += v1;
    v1 = Long.rotateLeft(v1, 17) ^ v2;
    v2 = Long.rotateLeft(v2, 32);
  }
}
