package dev.warmgate.routing.dispatch;

/**
 * Routes the rows of one range of target phases, in the order of phases. Rows that need random
 * draws wait, each with a copy of its candidates' bits, until a batch of blocks is full. One thread
 * at a time; different sweeps write different rows of the output.
 */
final class PhaseSweep {
  private static final int LANES = 512;
  private static final int MORE_LANES = 64;

  /** Bounds the copies of bits: 256 KiB, or one row. */
  private static final int MAX_WAITING_WORDS = 1 << 15;

  private final int size;
  private final int fanOut;
  private final int words;
  private final Reservoir reservoir;
  private final ChaCha8Blocks blocks = new ChaCha8Blocks(LANES);
  private final ChaCha8Blocks more = new ChaCha8Blocks(MORE_LANES);
  private final int[] key = new int[ChaCha8Random.KEY_WORDS];
  private final int[] places;
  private final long[] covering;

  // The waiting rows: number, candidates, first block's lane, candidates' bits.
  private final int[] rows;
  private final int[] candidates;
  private final int[] lanes;
  private final long[] bits;
  private int waiting;

  PhaseSweep(int size, int fanOut, Reservoir reservoir) {
    this.size = size;
    this.fanOut = fanOut;
    this.reservoir = reservoir;
    words = (size + 63) / 64;
    places = new int[fanOut + 1];
    covering = new long[words];
    int maxWaiting = Math.clamp(MAX_WAITING_WORDS / words, 1, LANES);
    rows = new int[maxWaiting];
    candidates = new int[maxWaiting];
    lanes = new int[maxWaiting + 1];
    bits = new long[maxWaiting * words];
  }

  /** Routes the rows whose target phase is {@code from} to {@code to} - 1. */
  void run(PhaseCircle circle, int from, int to, long seed, int[] routes) {
    waiting = 0;
    blocks.clear();
    for (int phase = from; phase < to; phase++) {
      if (phase == from) {
        circle.covering(phase, covering);
      } else {
        circle.advance(phase, covering);
      }
      int row = circle.rowAt(phase);
      int count = count(circle.arcStart(row), circle.arcLength(row));
      if (count <= fanOut) {
        for (int i = 0; i < count; i++) {
          places[i] = i;
        }
        write(circle, row, covering, 0, count, routes);
      } else {
        await(circle, row, count, seed, routes);
      }
    }
    drawWaiting(circle, seed, routes);
  }

  private void await(PhaseCircle circle, int row, int count, long seed, int[] routes) {
    int needed = Math.min(reservoir.blocks(count), LANES);
    if (needed > blocks.free() || waiting == rows.length) {
      drawWaiting(circle, seed, routes);
    }
    ChaCha8Random.expand(seed + row, key);
    rows[waiting] = row;
    candidates[waiting] = count;
    lanes[waiting] = blocks.add(key, 0, needed);
    System.arraycopy(covering, 0, bits, waiting * words, words);
    waiting++;
  }

  private void drawWaiting(PhaseCircle circle, long seed, int[] routes) {
    blocks.generate();
    lanes[waiting] = blocks.capacity() - blocks.free();
    for (int i = 0; i < waiting; i++) {
      for (int place = 0; place < fanOut; place++) {
        places[place] = place;
      }
      int lane = lanes[i];
      int end = lanes[i + 1];
      int count = candidates[i];
      int range = reservoir.draw(blocks, lane, end, fanOut + 1, count, places);
      if (range <= count) {
        drawMore(seed + rows[i], end - lane, range, count);
      }
      write(circle, rows[i], bits, i * words, fanOut, routes);
    }
    waiting = 0;
    blocks.clear();
  }

  /** Finishes a row that used up its blocks: unlucky, or longer than a batch. */
  private void drawMore(long seed, int firstBlock, int range, int count) {
    ChaCha8Random.expand(seed, key);
    for (int block = firstBlock; range <= count; block += MORE_LANES) {
      more.clear();
      more.add(key, block, MORE_LANES);
      more.generate();
      range = reservoir.draw(more, 0, MORE_LANES, range, count, places);
    }
  }

  /** Writes the candidates whose ordinals are in the first {@code count} places. */
  private void write(
      PhaseCircle circle, int row, long[] from, int offset, int count, int[] routes) {
    int start = circle.arcStart(row);
    int out = row * fanOut;
    for (int i = 0; i < count; i++) {
      routes[out + i] = circle.targetAt(select(from, offset, start, places[i]));
    }
    for (int i = count; i < fanOut; i++) {
      routes[out + i] = -1;
    }
  }

  /** How many of the positions from {@code start} on, around the circle, are covered. */
  private int count(int start, int length) {
    int end = start + length;
    return end <= size ? countTo(end) - countTo(start) : countTo(size) - gap(end - size, start);
  }

  private int gap(int from, int to) {
    return countTo(to) - countTo(from);
  }

  private int countTo(int end) {
    int sum = 0;
    int whole = end >> 6;
    for (int i = 0; i < whole; i++) {
      sum += Long.bitCount(covering[i]);
    }
    return (end & 63) == 0 ? sum : sum + Long.bitCount(covering[whole] & ((1L << end) - 1));
  }

  /** The position of set bit {@code ordinal}, counted from {@code start} around the circle. */
  private int select(long[] from, int offset, int start, int ordinal) {
    int word = start >> 6;
    long left = from[offset + word] & (-1L << start);
    int count = Long.bitCount(left);
    while (ordinal >= count) {
      ordinal -= count;
      word = word + 1 == words ? 0 : word + 1;
      left = from[offset + word];
      count = Long.bitCount(left);
    }
    for (; ordinal > 0; ordinal--) {
      left &= left - 1;
    }
    return (word << 6) + Long.numberOfTrailingZeros(left);
  }
}
