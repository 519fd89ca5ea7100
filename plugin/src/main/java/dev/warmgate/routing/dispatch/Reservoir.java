package dev.warmgate.routing.dispatch;

/**
 * Reservoir sampling as the phase router does it: of a row's candidates, numbered in their order,
 * the first {@code fanOut} fill the places; candidate {@code c} after them draws uniformly from 0
 * to c and, if the draw is below {@code fanOut}, takes that place. Only the candidates' number
 * matters, so this works on ordinals. Stateless but for the table of block counts.
 */
final class Reservoir {
  private final int fanOut;

  /** Blocks that suffice for so many candidates in 49 of 50 cases. */
  private final int[] blocks;

  Reservoir(int maxCandidates, int fanOut) {
    this.fanOut = fanOut;
    blocks = new int[maxCandidates + 1];
    double mean = 0;
    double variance = 0;
    for (int range = fanOut + 1; range <= maxCandidates; range++) {
      // A draw is rejected, and another one taken, unless its low word is below the limit.
      double accept = limit(range) * 0x1p-64 + (limit(range) < 0 ? 1 : 0);
      mean += 1 / accept;
      variance += (1 - accept) / (accept * accept);
      blocks[range] = (int) Math.ceil((mean + 2 * Math.sqrt(variance)) / ChaCha8Blocks.DRAWS);
    }
  }

  /** How many blocks to have at hand for a row with so many candidates; 0 if it draws nothing. */
  int blocks(int candidates) {
    return blocks[candidates];
  }

  /**
   * Goes on with a row, from block {@code lane} to the one before {@code end}.
   *
   * @param range the number of candidates to draw from next, {@code fanOut + 1} at first
   * @param places gets the candidates' ordinals; one place more than fan-out, which takes those
   *     that were not chosen
   * @return the range to go on with, above {@code candidates} if the row is done
   */
  int draw(ChaCha8Blocks source, int lane, int end, int range, int candidates, int[] places) {
    for (; lane < end; lane++) {
      for (int i = 0; i < ChaCha8Blocks.DRAWS; i++) {
        if (range > candidates) {
          return range;
        }
        long draw = source.draw(lane, i);
        long low = draw * range;
        // low < limit, unsigned, without a branch that would be mispredicted: the limit's top bit
        // is set, so that the lower 63 bits decide where low's is set too.
        int accepted = (int) ((~low | (low - limit(range))) >>> 63);
        int high = (int) Math.unsignedMultiplyHigh(draw, range);
        int place = high | ((accepted - 1) & Integer.MAX_VALUE);
        places[Math.min(place, fanOut)] = range - 1;
        range += accepted;
      }
    }
    return range;
  }

  private static long limit(int range) {
    return (long) range << Long.numberOfLeadingZeros(range);
  }
}
