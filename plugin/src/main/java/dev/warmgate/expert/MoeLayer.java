package dev.warmgate.expert;

import dev.warmgate.kernels.FfnBatch;
import dev.warmgate.kernels.Kernels;
import dev.warmgate.kernels.Step;
import dev.warmgate.kernels.Team;
import dev.warmgate.metrics.LayerStats;
import dev.warmgate.metrics.RoutingStats;
import dev.warmgate.residency.ResidencyMask;
import dev.warmgate.routing.GivenWeights;
import dev.warmgate.routing.RoutingException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * One MoE layer of a session: takes hidden states and gate logits, gives the weighted sum of the
 * selected experts.
 */
public final class MoeLayer {
  /** Work below which another thread costs more than it brings, in multiplications. */
  private static final long WORK_PER_PART = 1 << 16;

  private final LayerSpec spec;
  private final int cacheLayer;
  private final ResidencyMask mask;
  private final LayerRouting routing;
  private final Kernels kernels;
  private final SlotViews views;
  private final Workspace.Kind kind;
  private final Pool<Workspace> workspaces;
  private final int index;
  private final Optional<Prefetcher> prefetcher;
  private final ThreadLocal<Tape> tapes;

  /** Who watches, or null. */
  private volatile RoutingTap tap;

  MoeLayer(
      LayerSpec spec,
      int index,
      int cacheLayer,
      LayerRouting routing,
      Kernels kernels,
      SlotViews views,
      Workspace.Kind kind,
      Pool<Workspace> workspaces,
      Optional<Prefetcher> prefetcher,
      ThreadLocal<Tape> tapes) {
    this.spec = spec;
    this.index = index;
    this.prefetcher = prefetcher;
    this.tapes = tapes;
    this.cacheLayer = cacheLayer;
    this.mask = kind.cache().mask(cacheLayer);
    this.routing = routing;
    this.kernels = kernels;
    this.views = views;
    this.kind = kind;
    this.workspaces = workspaces;
  }

  /** What the layer looks like. */
  public LayerSpec spec() {
    return spec;
  }

  /** What the routing policy did to the gate's choices; nothing is counted in lossless mode. */
  public RoutingStats routingStatistics() {
    return routing.statistics();
  }

  /** The same with the layer's name, and the state of an adaptive strength. */
  public LayerStats layerStatistics() {
    return new LayerStats(spec.name(), routing.statistics(), routing.controller());
  }

  /** From now on every call is shown to a tap; to none if it is null. */
  void tap(RoutingTap watcher) {
    tap = watcher;
  }

  /** The layer's resident experts. */
  public ResidencyMask mask() {
    return mask;
  }

  /**
   * Computes the layer for some tokens. All values are of the type that {@link LayerSpec#values}
   * says.
   *
   * @param hidden {@code [tokens, H]}
   * @param logits gate logits, {@code [tokens, E]}
   * @param shares combine weights, {@code [tokens, E]}; {@link MemorySegment#NULL} if they come
   *     from the logits
   * @param out {@code [tokens, H]}; unspecified after an error
   * @param tokens how many, ≥ 0
   * @param team who computes
   * @throws IOException in one line that names layer, expert and file, if an expert can't be read
   * @throws RoutingException in one line that names layer and token, if a token has no finite logit
   */
  public void execute(
      MemorySegment hidden,
      MemorySegment logits,
      MemorySegment shares,
      MemorySegment out,
      int tokens,
      Team team)
      throws IOException {
    int piece = kind.maxTokens();
    if (tokens <= piece) {
      if (tokens > 0) {
        executePiece(hidden, logits, shares, out, 0, tokens, team);
      }
      return;
    }
    for (int first = 0; first < tokens; first += piece) {
      int count = Math.min(piece, tokens - first);
      executePiece(
          rows(hidden, first, count, spec.shape().hidden()),
          rows(logits, first, count, spec.rule().experts()),
          spec.rule().givenWeights() ? rows(shares, first, count, spec.rule().experts()) : shares,
          rows(out, first, count, spec.shape().hidden()),
          first,
          count,
          team);
    }
  }

  private void executePiece(
      MemorySegment hidden,
      MemorySegment logits,
      MemorySegment shares,
      MemorySegment out,
      int first,
      int tokens,
      Team team)
      throws IOException {
    Workspace workspace = workspaces.take();
    CallValues values = workspace.values;
    try {
      values.begin(kernels, hidden, logits, shares, out, tokens);
      route(values, first, tokens, workspace);
      RoutingTap watcher = tap;
      if (watcher != null) {
        watcher.routed(index, values.logits(), workspace.selection);
      }
      workspace.assignments.group(workspace.selection);
      workspace.begin(tokens);
      workspace.batch.begin(
          tokens,
          spec.rule().topK(),
          values.hidden(),
          workspace.inner(),
          workspace.partial(),
          workspace.selection.weights(),
          values.out(),
          parts(tokens, team));
      workspace.leases.begin(
          cacheLayer, workspace.assignments.experts(), workspace.assignments.groups());
      // What this layer waits for is asked for before what the next one may want.
      workspace.leases.request();
      if (prefetcher.isPresent()) {
        prefetcher.get().routed(index, values.hidden(), tokens, workspace.assignments);
      }
      Tape tape = tapes.get();
      if (tape != null) {
        tape.record(index, workspace.assignments);
      }
      computeExperts(workspace, team);
      team.run(kernels, Step.COMBINE, workspace.batch);
      values.end(kernels, out, tokens);
      routing.learn(workspace.selection);
    } finally {
      workspace.leases.close();
      workspace.batch.clearExperts();
      workspaces.give(workspace);
    }
  }

  private void route(CallValues values, int first, int tokens, Workspace workspace) {
    try {
      routing.route(values.logits(), tokens, workspace.selection);
    } catch (RoutingException e) {
      throw e.in(spec.name(), first);
    }
    if (spec.rule().givenWeights()) {
      GivenWeights.apply(spec.rule(), values.shares(), workspace.selection);
    }
  }

  /** Computes each expert once it can be read, those that are resident first. */
  private void computeExperts(Workspace workspace, Team team) throws IOException {
    Assignments assignments = workspace.assignments;
    FfnBatch batch = workspace.batch;
    int[] ready = workspace.ready;
    for (int n = workspace.leases.next(ready); n > 0; n = workspace.leases.next(ready)) {
      batch.clearExperts();
      for (int i = 0; i < n; i++) {
        int group = ready[i];
        batch.add(
            views.weights(workspace.leases.slot(group)),
            assignments.assignments(group),
            assignments.count(group));
      }
      team.run(kernels, Step.UP, batch);
      team.run(kernels, Step.DOWN, batch);
      for (int i = 0; i < n; i++) {
        workspace.leases.release(ready[i]);
      }
    }
  }

  private int parts(int tokens, Team team) {
    long work = (long) tokens * spec.rule().topK() * spec.shape().hidden() * spec.shape().inner();
    return Math.clamp(work / WORK_PER_PART, 1, team.width());
  }

  private MemorySegment rows(MemorySegment matrix, int first, int count, int columns) {
    long rowBytes = (long) columns * spec.values().bytes();
    return matrix.asSlice(first * rowBytes, count * rowBytes);
  }
}
