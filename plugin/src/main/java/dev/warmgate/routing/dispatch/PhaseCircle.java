package dev.warmgate.routing.dispatch;

import java.util.Arrays;

/**
 * The geometry of one call of the {@link PhaseRouter}: which arc of the source circle each row
 * covers, and where on the target circle each target's arc begins and ends. Filled by one thread,
 * then read by all.
 */
final class PhaseCircle {
  private final int size;
  private final int[] sourceOnes;
  private final int[] sourceOffset;
  private final int[] targetOnes;
  private final int[] targetOffset;
  private final int[] targetAt;
  private final int[] rowAt;

  /** The positions that switch when the sweep arrives at phase q: events[first[q]] and on. */
  private final int[] first;

  private final int[] events;

  PhaseCircle(int size) {
    this.size = size;
    sourceOnes = new int[size];
    sourceOffset = new int[size];
    targetOnes = new int[size];
    targetOffset = new int[size];
    targetAt = new int[size];
    rowAt = new int[size];
    first = new int[size + 1];
    events = new int[2 * size];
  }

  void sources(long[] bits) {
    count("sources", bits, sourceOnes);
    offsets(sourceOnes, sourceOffset);
  }

  void targets(long[] bits) {
    count("targets", bits, targetOnes);
    offsets(targetOnes, targetOffset);
  }

  void sources(int[] ones) {
    copy("sources", ones, sourceOnes);
    offsets(sourceOnes, sourceOffset);
  }

  void targets(int[] ones) {
    copy("targets", ones, targetOnes);
    offsets(targetOnes, targetOffset);
  }

  void arrange(int[] sourcePermutation, int[] targetPermutation) {
    invert("source permutation", sourcePermutation, targetAt);
    invert("target permutation", targetPermutation, rowAt);
    Arrays.fill(first, 0);
    for (int c = 0; c < size; c++) {
      if (switches(c)) {
        first[targetOffset[c]]++;
        first[end(c)]++;
      }
    }
    int sum = 0;
    for (int q = 0; q <= size; q++) {
      sum += first[q];
      first[q] = sum;
    }
    // Filled from each phase's end backwards, which leaves first[q] at its first event.
    for (int p = 0; p < size; p++) {
      int c = targetAt[p];
      if (switches(c)) {
        events[--first[targetOffset[c]]] = p;
        events[--first[end(c)]] = p;
      }
    }
  }

  /** The first position of a row's arc. */
  int arcStart(int row) {
    return sourceOffset[row];
  }

  /** The length of a row's arc, 0 to N. */
  int arcLength(int row) {
    return sourceOnes[row];
  }

  /** The row whose target phase is q. */
  int rowAt(int phase) {
    return rowAt[phase];
  }

  /** The target that position p of the source circle stands for. */
  int targetAt(int position) {
    return targetAt[position];
  }

  /** Sets the bit of each position whose target covers a phase. */
  void covering(int phase, long[] bits) {
    Arrays.fill(bits, 0);
    for (int p = 0; p < size; p++) {
      int c = targetAt[p];
      int distance = phase - targetOffset[c];
      distance += distance < 0 ? size : 0;
      if (distance < targetOnes[c]) {
        bits[p >> 6] |= 1L << p;
      }
    }
  }

  /** Changes the bits of {@link #covering} from phase - 1 to phase. */
  void advance(int phase, long[] bits) {
    for (int i = first[phase]; i < first[phase + 1]; i++) {
      int p = events[i];
      bits[p >> 6] ^= 1L << p;
    }
  }

  /** Whether a target covers some phases, not all. */
  private boolean switches(int target) {
    return targetOnes[target] != 0 && targetOnes[target] != size;
  }

  private int end(int target) {
    int end = targetOffset[target] + targetOnes[target];
    return end < size ? end : end - size;
  }

  private void count(String name, long[] bits, int[] ones) {
    int words = (size + 63) / 64;
    if (bits.length != (long) size * words) {
      throw new IllegalArgumentException(
          "%s has %d words, needs %d rows of %d".formatted(name, bits.length, size, words));
    }
    for (int row = 0; row < size; row++) {
      int sum = 0;
      for (int i = row * words; i < (row + 1) * words; i++) {
        sum += Long.bitCount(bits[i]);
      }
      ones[row] = checked(name, row, sum);
    }
  }

  private void copy(String name, int[] from, int[] to) {
    checkLength(name, from);
    for (int row = 0; row < size; row++) {
      to[row] = checked(name, row, from[row]);
    }
  }

  private int checked(String name, int row, int ones) {
    if (ones < 0 || ones > size) {
      throw new IllegalArgumentException(
          "%s: row %d has %d bits, not 0 to %d".formatted(name, row, ones, size));
    }
    return ones;
  }

  private void offsets(int[] ones, int[] offsets) {
    int offset = 0;
    for (int i = 0; i < size; i++) {
      offsets[i] = offset;
      offset += ones[i];
      offset -= offset >= size ? size : 0;
    }
  }

  private void invert(String name, int[] permutation, int[] inverse) {
    checkLength(name, permutation);
    Arrays.fill(inverse, -1);
    for (int i = 0; i < size; i++) {
      int value = permutation[i];
      if (value < 0 || value >= size || inverse[value] >= 0) {
        throw new IllegalArgumentException(
            "%s: element %d is %d, out of range or twice".formatted(name, i, value));
      }
      inverse[value] = i;
    }
  }

  private void checkLength(String name, int[] values) {
    if (values.length != size) {
      throw new IllegalArgumentException(
          "%s has %d elements, not %d".formatted(name, values.length, size));
    }
  }
}
