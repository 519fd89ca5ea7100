package dev.warmgate.routing.dispatch;

import java.util.Arrays;

/**
 * The phase router: routes each of N rows to up to k of N targets, so that a target's expected load
 * is in proportion to its share of the phase circle. Rows need no knowledge of each other. Equal to
 * the bit to the published algorithm ({@code phase_router_rs}).
 *
 * <p>Source row j covers the positions {@code offS[j]} to {@code offS[j] + onesS[j] - 1} of a
 * circle of N; position p stands for target {@code inv[p]}. Target c covers {@code offT[c]} to
 * {@code offT[c] + onesT[c] - 1} of another circle. A target of row j's positions is a candidate if
 * it covers {@code permutationT[j]}. Of the candidates, k are sampled by a reservoir with row j's
 * own generator.
 *
 * <p>What makes it fast: rows are visited in the order of {@code permutationT[j]}. From one to the
 * next, a bit set of the covering targets changes by two bits a target in the whole sweep, so that
 * a row's candidates are counted by a few words' bit counts. And random blocks are made for dozens
 * of rows at once.
 *
 * <p>An instance serves one call at a time and splits it over threads by rows.
 */
public final class PhaseRouter {
  private final int size;
  private final int fanOut;
  private final Parallel parallel;
  private final PhaseSweep[] sweeps;
  private final PhaseCircle circle;

  /** A router on the calling thread. */
  public PhaseRouter(int size, int fanOut) {
    this(size, fanOut, Parallel.caller());
  }

  /**
   * Allocates the workspace for calls of one size.
   *
   * @param size the number of rows and of targets, N
   * @param fanOut targets a row, k
   * @throws IllegalArgumentException if one of them is below 1
   */
  public PhaseRouter(int size, int fanOut, Parallel parallel) {
    if (size < 1 || fanOut < 1) {
      throw new IllegalArgumentException("size " + size + ", fan-out " + fanOut + ": below 1");
    }
    this.size = size;
    this.fanOut = fanOut;
    this.parallel = parallel;
    circle = new PhaseCircle(size);
    Reservoir reservoir = new Reservoir(size, fanOut);
    sweeps = new PhaseSweep[Math.min(parallel.width(), size)];
    Arrays.setAll(sweeps, i -> new PhaseSweep(size, fanOut, reservoir));
  }

  /**
   * Routes by bit matrices, of which only the rows' bit counts matter.
   *
   * @param sources N rows of ceil(N/64) words each
   * @param targets as sources
   * @param sourcePermutation a permutation of 0 to N-1
   * @param targetPermutation likewise
   * @param seed row j draws from the stream of seed + j
   * @param routes gets N rows of k target ids each, -1 where empty
   * @throws IllegalArgumentException if a length is wrong, a permutation is none, or a row has more
   *     than N bits
   */
  public void route(
      long[] sources,
      long[] targets,
      int[] sourcePermutation,
      int[] targetPermutation,
      long seed,
      int[] routes) {
    circle.sources(sources);
    circle.targets(targets);
    sweep(sourcePermutation, targetPermutation, seed, routes);
  }

  /**
   * Routes by the rows' bit counts themselves, each 0 to N.
   *
   * @see #route(long[], long[], int[], int[], long, int[])
   */
  public void route(
      int[] sourceOnes,
      int[] targetOnes,
      int[] sourcePermutation,
      int[] targetPermutation,
      long seed,
      int[] routes) {
    circle.sources(sourceOnes);
    circle.targets(targetOnes);
    sweep(sourcePermutation, targetPermutation, seed, routes);
  }

  private void sweep(int[] sourcePermutation, int[] targetPermutation, long seed, int[] routes) {
    if (routes.length != (long) size * fanOut) {
      throw new IllegalArgumentException(
          "routes has %d elements, needs %d rows of %d".formatted(routes.length, size, fanOut));
    }
    circle.arrange(sourcePermutation, targetPermutation);
    int parts = sweeps.length;
    if (parts == 1) {
      sweeps[0].run(circle, 0, size, seed, routes);
      return;
    }
    parallel.run(
        parts,
        part -> {
          int from = (int) ((long) size * part / parts);
          int to = (int) ((long) size * (part + 1) / parts);
          sweeps[part].run(circle, from, to, seed, routes);
        });
  }
}
