package dev.warmgate.hwdetect;

/**
 * What this JVM takes or allows. The limit of direct buffers is absent on purpose: memory of FFM
 * arenas does not count against it.
 *
 * @param processors processors that the JVM offers, {@code -XX:ActiveProcessorCount} included
 * @param heapMaxBytes how large the heap may grow; {@link Long#MAX_VALUE} if it has no limit
 * @param heapBytes heap in use now; what is committed beyond it may not be backed by memory yet
 */
public record Jvm(int processors, long heapMaxBytes, long heapBytes) {

  /** Bytes that the heap may still grow by, never negative. */
  public long heapGrowthBytes() {
    return heapMaxBytes > heapBytes ? heapMaxBytes - Math.max(0, heapBytes) : 0;
  }
}
