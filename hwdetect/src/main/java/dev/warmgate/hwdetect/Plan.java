package dev.warmgate.hwdetect;

import dev.warmgate.kernels.Tier;
import java.util.List;
import java.util.Optional;

/**
 * What follows from a machine for serving experts on it.
 *
 * @param tier the kernels to use; the native library confirmed it
 * @param threads threads that compute, at least 1
 * @param ioThreads threads that read, at least 1
 * @param expertMemoryBytes what {@code expert_memory=auto} means: bytes that the experts may take,
 *     0 if limits leave nothing
 * @param slotAlignment multiple of bytes at which slots start and to which they are rounded up, a
 *     power of two
 * @param readBytes bytes of one read, a multiple of {@code slotAlignment}
 * @param queueDepth reads under way at once
 * @param directIo whether reads bypass the page cache
 * @param decisions each choice with its reason, in the order in which they were made
 */
public record Plan(
    Tier tier,
    int threads,
    int ioThreads,
    long expertMemoryBytes,
    long slotAlignment,
    int readBytes,
    int queueDepth,
    boolean directIo,
    List<Decision> decisions) {

  /** Copies the list. */
  public Plan {
    decisions = List.copyOf(decisions);
  }

  /**
   * Finds a decision.
   *
   * @param name for example {@code tier}
   */
  public Optional<Decision> decision(String name) {
    return decisions.stream().filter(decision -> decision.name().equals(name)).findFirst();
  }
}
