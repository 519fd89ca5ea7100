package dev.warmgate.expert;

/** Picks the experts that a forecast gives the most. */
final class Likeliest {
  private Likeliest() {}

  /**
   * Takes the largest values, the largest first; those that aren't above 0 are left out.
   *
   * @param values by expert; what is taken becomes 0
   * @param most how many at most
   * @param ids receives the experts
   * @return how many
   */
  static int take(float[] values, int most, int[] ids) {
    int count = 0;
    while (count < most) {
      int best = 0;
      for (int expert = 1; expert < values.length; expert++) {
        if (values[expert] > values[best]) {
          best = expert;
        }
      }
      if (values[best] <= 0) {
        break;
      }
      values[best] = 0;
      ids[count++] = best;
    }
    return count;
  }
}
