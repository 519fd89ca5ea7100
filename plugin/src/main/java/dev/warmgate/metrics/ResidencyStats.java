package dev.warmgate.metrics;

/**
 * What the expert caches did since they were opened.
 *
 * @param hits experts that were resident when a layer asked for them
 * @param misses experts that had to be waited for
 * @param loads experts that were read from disk
 * @param prefetches of these, reads that began before anybody waited for them
 * @param prefetchesUsed guesses that were resident when a layer asked for them
 * @param prefetchesLate guesses that were still being read when a layer asked for them
 * @param prefetchesWasted guesses that went before any layer asked for them
 * @param bytesRead bytes of experts read
 * @param slotBytes bytes of slots that hold, or are about to hold, an expert now
 * @param peakSlotBytes the most that {@code slotBytes} ever was
 * @param budgetBytes what the user gave for slots
 * @param waitNanos time that layers stood still for a read, in nanoseconds
 */
public record ResidencyStats(
    long hits,
    long misses,
    long loads,
    long prefetches,
    long prefetchesUsed,
    long prefetchesLate,
    long prefetchesWasted,
    long bytesRead,
    long slotBytes,
    long peakSlotBytes,
    long budgetBytes,
    long waitNanos) {

  /** Nothing happened yet. */
  public static final ResidencyStats NONE = new ResidencyStats(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

  /** The share of asked-for experts that were resident, 1 if none was asked for. */
  public double hitRate() {
    long asked = hits + misses;
    return asked == 0 ? 1 : (double) hits / asked;
  }

  /** The same counts, of a cache that is closed: it has no memory any more. */
  public ResidencyStats closed() {
    return new ResidencyStats(
        hits,
        misses,
        loads,
        prefetches,
        prefetchesUsed,
        prefetchesLate,
        prefetchesWasted,
        bytesRead,
        0,
        0,
        0,
        waitNanos);
  }

  /** What was counted since an earlier snapshot; memory as it is in this one. */
  public ResidencyStats since(ResidencyStats earlier) {
    return new ResidencyStats(
        hits - earlier.hits,
        misses - earlier.misses,
        loads - earlier.loads,
        prefetches - earlier.prefetches,
        prefetchesUsed - earlier.prefetchesUsed,
        prefetchesLate - earlier.prefetchesLate,
        prefetchesWasted - earlier.prefetchesWasted,
        bytesRead - earlier.bytesRead,
        slotBytes,
        peakSlotBytes,
        budgetBytes,
        waitNanos - earlier.waitNanos);
  }

  /** These counts and those of another cache together. */
  public ResidencyStats plus(ResidencyStats other) {
    return new ResidencyStats(
        hits + other.hits,
        misses + other.misses,
        loads + other.loads,
        prefetches + other.prefetches,
        prefetchesUsed + other.prefetchesUsed,
        prefetchesLate + other.prefetchesLate,
        prefetchesWasted + other.prefetchesWasted,
        bytesRead + other.bytesRead,
        slotBytes + other.slotBytes,
        peakSlotBytes + other.peakSlotBytes,
        budgetBytes + other.budgetBytes,
        waitNanos + other.waitNanos);
  }
}
