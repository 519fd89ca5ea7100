package dev.warmgate.routing.dispatch;

import java.util.Arrays;

/**
 * Many ChaCha8 blocks at once, of one key or of several: lane {@code i} holds one block. The words
 * lie in one array a word, so that the compiler turns each step into vector instructions over the
 * lanes; this is some 15 times faster than block by block. Not thread-safe.
 */
final class ChaCha8Blocks {
  /** 64-bit draws in a block. */
  static final int DRAWS = ChaCha8Random.BLOCK_WORDS / 2;

  private static final int DOUBLE_ROUNDS = 4;
  private static final int[] CONSTANTS = {
    ChaCha8Random.C0, ChaCha8Random.C1, ChaCha8Random.C2, ChaCha8Random.C3
  };
  private static final int KEY = CONSTANTS.length;
  private static final int COUNTER = KEY + ChaCha8Random.KEY_WORDS;

  private final int capacity;

  /** Keys and block counters, as they are before the rounds; [word - KEY][lane]. */
  private final int[][] start;

  /** The blocks; [word][lane]. */
  private final int[][] words;

  private int lanes;

  ChaCha8Blocks(int capacity) {
    this.capacity = capacity;
    start = new int[ChaCha8Random.KEY_WORDS + 1][capacity];
    words = new int[ChaCha8Random.BLOCK_WORDS][capacity];
  }

  int capacity() {
    return capacity;
  }

  int free() {
    return capacity - lanes;
  }

  void clear() {
    lanes = 0;
  }

  /** Appends {@code count} lanes for the blocks of {@code key} from block {@code first} on. */
  int add(int[] key, int first, int count) {
    int from = lanes;
    int to = from + count;
    for (int i = 0; i < ChaCha8Random.KEY_WORDS; i++) {
      Arrays.fill(start[i], from, to, key[i]);
    }
    int[] counters = start[ChaCha8Random.KEY_WORDS];
    for (int i = 0; i < count; i++) {
      counters[from + i] = first + i;
    }
    lanes = to;
    return from;
  }

  /** Computes all lanes that were added since {@link #clear}. */
  void generate() {
    int n = lanes;
    int[][] x = words;
    for (int i = 0; i < CONSTANTS.length; i++) {
      Arrays.fill(x[i], 0, n, CONSTANTS[i]);
    }
    for (int i = 0; i < start.length; i++) {
      System.arraycopy(start[i], 0, x[KEY + i], 0, n);
    }
    for (int i = COUNTER + 1; i < x.length; i++) {
      Arrays.fill(x[i], 0, n, 0);
    }
    for (int round = 0; round < DOUBLE_ROUNDS; round++) {
      for (int i = 0; i < 4; i++) {
        quarter(x[i], x[4 + i], x[8 + i], x[12 + i], n);
      }
      for (int i = 0; i < 4; i++) {
        quarter(x[i], x[4 + (i + 1) % 4], x[8 + (i + 2) % 4], x[12 + (i + 3) % 4], n);
      }
    }
    for (int i = 0; i < CONSTANTS.length; i++) {
      addAll(x[i], CONSTANTS[i], n);
    }
    for (int i = 0; i < start.length; i++) {
      addAll(x[KEY + i], start[i], n);
    }
  }

  /** Draw 0 to {@link #DRAWS} - 1 of a lane: two words, the low one first. */
  long draw(int lane, int index) {
    long low = words[2 * index][lane] & 0xffff_ffffL;
    return low | ((long) words[2 * index + 1][lane] << 32);
  }

  private static void quarter(int[] as, int[] bs, int[] cs, int[] ds, int n) {
    for (int i = 0; i < n; i++) {
      int a = as[i];
      int b = bs[i];
      int c = cs[i];
      int d = ds[i];
      a += b;
      d = Integer.rotateLeft(d ^ a, 16);
      c += d;
      b = Integer.rotateLeft(b ^ c, 12);
      a += b;
      d = Integer.rotateLeft(d ^ a, 8);
      c += d;
      b = Integer.rotateLeft(b ^ c, 7);
      as[i] = a;
      bs[i] = b;
      cs[i] = c;
      ds[i] = d;
    }
  }

  private static void addAll(int[] values, int addend, int n) {
    for (int i = 0; i < n; i++) {
      values[i] += addend;
    }
  }

  private static void addAll(int[] values, int[] addends, int n) {
    for (int i = 0; i < n; i++) {
      values[i] += addends[i];
    }
  }
}
