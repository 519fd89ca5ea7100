package dev.warmgate.residency.eviction;

/** Which experts of a layer a call ran. */
final class Selected {
  private final int[] ids;
  private int count;

  /** None of so many. */
  Selected(int experts) {
    ids = new int[experts];
  }

  void set(int[] experts, int expertCount) {
    System.arraycopy(experts, 0, ids, 0, expertCount);
    count = expertCount;
  }

  /**
   * The same as another, of equally many experts. A thread may be changing that: the result is then
   * a mixture of two selections, which is one, too.
   */
  void set(Selected other) {
    set(other.ids, other.count);
  }

  int count() {
    return count;
  }

  int expert(int position) {
    return ids[position];
  }
}
