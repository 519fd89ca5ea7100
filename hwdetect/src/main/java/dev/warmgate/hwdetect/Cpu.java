package dev.warmgate.hwdetect;

import java.util.Collections;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * The processor.
 *
 * @param vendor as the processor names it, for example {@code AuthenticAMD}; may be empty
 * @param model for people, for example {@code AMD EPYC}; may be empty
 * @param arch family of instruction sets
 * @param features feature flags in the kernel's spelling that <em>all</em> cores have, sorted
 * @param caches kinds of caches, nearest first
 * @param cores counts of cores
 */
public record Cpu(
    String vendor,
    String model,
    Arch arch,
    SortedSet<String> features,
    List<Cache> caches,
    Cores cores) {

  /** Copies the collections. */
  public Cpu {
    features = Collections.unmodifiableSortedSet(new TreeSet<>(features));
    caches = List.copyOf(caches);
  }
}
