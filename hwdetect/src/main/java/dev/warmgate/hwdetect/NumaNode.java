package dev.warmgate.hwdetect;

import java.util.List;
import java.util.OptionalLong;

/**
 * One NUMA node.
 *
 * @param id the kernel's number
 * @param cpus its hardware threads, ascending; empty for a node of memory only
 * @param totalBytes its memory; empty if unknown
 * @param freeBytes its unused memory; empty if unknown
 */
public record NumaNode(
    int id, List<Integer> cpus, OptionalLong totalBytes, OptionalLong freeBytes) {

  /** Copies the list. */
  public NumaNode {
    cpus = List.copyOf(cpus);
  }
}
