package dev.warmgate.routing.dispatch;

/**
 * The generator that the published phase router draws from: ChaCha with 8 rounds, 64-bit block
 * counter, nonce 0, its key expanded from a 64-bit seed by PCG32. Equal seeds give the words, the
 * bounded draws and the shuffles of Rust's {@code ChaCha8Rng} with {@code rand} 0.8.
 *
 * <p>Not for secrets. Not thread-safe.
 */
public final class ChaCha8Random {
  static final int KEY_WORDS = 8;
  static final int BLOCK_WORDS = 16;
  static final int C0 = 0x61707865;
  static final int C1 = 0x3320646e;
  static final int C2 = 0x79622d32;
  static final int C3 = 0x6b206574;

  private static final int DOUBLE_ROUNDS = 4;
  private static final long PCG_MULTIPLIER = 6364136223846793005L;
  private static final long PCG_INCREMENT = 0xa17654e46fbe17f3L;

  private final int[] key = new int[KEY_WORDS];
  private final int[] block = new int[BLOCK_WORDS];
  private long counter;
  private int used;

  /** A generator at the start of the stream of {@code seed}. */
  public ChaCha8Random(long seed) {
    expand(seed, key);
    used = BLOCK_WORDS;
  }

  /** A generator at block {@code counter} of the stream of a 256-bit key, in eight LE words. */
  ChaCha8Random(int[] key, long counter) {
    System.arraycopy(key, 0, this.key, 0, KEY_WORDS);
    this.counter = counter;
    used = BLOCK_WORDS;
  }

  /** Fills a key from a seed, one PCG32 output a word. */
  static void expand(long seed, int[] key) {
    long state = seed;
    for (int i = 0; i < KEY_WORDS; i++) {
      state = state * PCG_MULTIPLIER + PCG_INCREMENT;
      int xorshifted = (int) (((state >>> 18) ^ state) >>> 27);
      key[i] = Integer.rotateRight(xorshifted, (int) (state >>> 59));
    }
  }

  /** The next 32 bits. */
  public int nextInt() {
    if (used == BLOCK_WORDS) {
      generate();
    }
    return block[used++];
  }

  /** The next 64 bits, low word first. */
  public long nextLong() {
    long low = nextInt() & 0xffff_ffffL;
    return low | ((long) nextInt() << 32);
  }

  /**
   * A uniform draw of 32 bits from 0 to {@code bound} - 1.
   *
   * @throws IllegalArgumentException if bound is below 1
   */
  public int nextBelow(int bound) {
    if (bound < 1) {
      throw new IllegalArgumentException("bound " + bound + " is below 1");
    }
    long limit = (long) bound << Integer.numberOfLeadingZeros(bound);
    while (true) {
      long product = (nextInt() & 0xffff_ffffL) * bound;
      if ((product & 0xffff_ffffL) < limit) {
        return (int) (product >>> 32);
      }
    }
  }

  /** Puts values into a random order (Fisher-Yates, from the last to the first). */
  public void shuffle(int[] values) {
    for (int i = values.length - 1; i > 0; i--) {
      int other = nextBelow(i + 1);
      int value = values[i];
      values[i] = values[other];
      values[other] = value;
    }
  }

  /** The numbers 0 to {@code size} - 1 in a random order. */
  public int[] permutation(int size) {
    int[] values = new int[size];
    for (int i = 0; i < size; i++) {
      values[i] = i;
    }
    shuffle(values);
    return values;
  }

  private void generate() {
    int[] x = block;
    start(x);
    for (int round = 0; round < DOUBLE_ROUNDS; round++) {
      quarter(x, 0, 4, 8, 12);
      quarter(x, 1, 5, 9, 13);
      quarter(x, 2, 6, 10, 14);
      quarter(x, 3, 7, 11, 15);
      quarter(x, 0, 5, 10, 15);
      quarter(x, 1, 6, 11, 12);
      quarter(x, 2, 7, 8, 13);
      quarter(x, 3, 4, 9, 14);
    }
    x[0] += C0;
    x[1] += C1;
    x[2] += C2;
    x[3] += C3;
    for (int i = 0; i < KEY_WORDS; i++) {
      x[4 + i] += key[i];
    }
    x[12] += (int) counter;
    x[13] += (int) (counter >>> 32);
    counter++;
    used = 0;
  }

  private void start(int[] x) {
    x[0] = C0;
    x[1] = C1;
    x[2] = C2;
    x[3] = C3;
    System.arraycopy(key, 0, x, 4, KEY_WORDS);
    x[12] = (int) counter;
    x[13] = (int) (counter >>> 32);
    x[14] = 0;
    x[15] = 0;
  }

  private static void quarter(int[] x, int a, int b, int c, int d) {
    x[a] += x[b];
    x[d] = Integer.rotateLeft(x[d] ^ x[a], 16);
    x[c] += x[d];
    x[b] = Integer.rotateLeft(x[b] ^ x[c], 12);
    x[a] += x[b];
    x[d] = Integer.rotateLeft(x[d] ^ x[a], 8);
    x[c] += x[d];
    x[b] = Integer.rotateLeft(x[b] ^ x[c], 7);
  }
}
