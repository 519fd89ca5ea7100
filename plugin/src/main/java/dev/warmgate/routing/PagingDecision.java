package dev.warmgate.routing;

/**
 * What should be paged for a layer, as data, for a host that wants to act on it itself. Higher
 * priorities come first; those of different kinds are not compared.
 */
public sealed interface PagingDecision {

  /** The expert that is meant. */
  int expert();

  /** How much it matters. */
  float priority();

  /** A token waits for this expert; the priority is its combine weight. */
  record Demand(int expert, float priority) implements PagingDecision {}

  /** The gate wanted this expert and did without; the priority is its affinity. */
  record Prefetch(int expert, float priority) implements PagingDecision {}

  /** This resident expert may go; the priority is how little it was wanted, 1 for not at all. */
  record Evict(int expert, float priority) implements PagingDecision {}
}
