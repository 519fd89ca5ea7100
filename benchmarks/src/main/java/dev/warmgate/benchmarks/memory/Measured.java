package dev.warmgate.benchmarks.memory;

/**
 * What one run came to; counts are those of the timed tokens.
 *
 * @param firstToken the first one timed
 * @param tokens timed
 * @param seconds that they took
 * @param readBytes bytes that the process had fetched from storage
 * @param peakRssBytes the most memory the process had, file pages that it maps included
 * @param hitRate the share of experts that were resident when a layer asked; NaN where unknown
 * @param waitSeconds time that layers stood still for a read
 * @param loads experts read
 * @param prefetches of them, before anybody waited
 * @param slotBytes what the expert cache may take
 * @param agreement the share of the gate's choices that were kept
 * @param massKept the gate mass of the experts that ran over that of the gate's own choice
 */
record Measured(
    int firstToken,
    int tokens,
    double seconds,
    long readBytes,
    long peakRssBytes,
    double hitRate,
    double waitSeconds,
    long loads,
    long prefetches,
    long slotBytes,
    double agreement,
    double massKept) {

  double tokensPerSecond() {
    return tokens / seconds;
  }

  double readPerToken() {
    return (double) readBytes / tokens;
  }
}
