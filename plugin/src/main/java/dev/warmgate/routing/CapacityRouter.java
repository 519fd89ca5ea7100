package dev.warmgate.routing;

import dev.warmgate.kernels.Kernels;
import dev.warmgate.routing.dispatch.CapacityDispatch;
import dev.warmgate.routing.dispatch.ResidencyCapacity;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Capacity-aware routing of batches: resident experts take any token, absent ones only if they are
 * among the most wanted, so that a batch reads fewer experts. Each token follows its gate as far as
 * the capacities allow. A single token is routed as the gate says: it has nobody to share a read
 * with.
 */
public final class CapacityRouter implements Router {
  private final Kernels kernels;
  private final GateRule rule;
  private final double absentShare;
  private final PolicyRouter gate;
  private final AtomicReference<Workspace> idle = new AtomicReference<>();

  /**
   * A router for a layer.
   *
   * @param rule of the layer's operator
   * @param absentShare which part of the absent experts that a batch wants is let in, 0 to 1
   */
  public CapacityRouter(Kernels kernels, GateRule rule, double absentShare) {
    this.kernels = kernels;
    this.rule = rule;
    this.absentShare = absentShare;
    this.gate = PolicyRouter.lossless(kernels, rule);
  }

  /** What one call needs. */
  private static final class Workspace {
    final CapacityDispatch dispatch;
    final int[] wanted;
    final int[] capacities;

    // One token's row of each: a slice of the call's would be an object for each token. Freed with
    // the workspace, of which threads may drop some.
    final MemorySegment logits;
    final MemorySegment ids;
    final MemorySegment weights;

    Workspace(GateRule rule) {
      dispatch = new CapacityDispatch(rule.experts(), rule.topK(), rule.ties());
      wanted = new int[rule.experts()];
      capacities = new int[rule.experts()];
      Arena arena = Arena.ofAuto();
      logits = arena.allocate(ValueLayout.JAVA_FLOAT, rule.experts());
      ids = arena.allocate(ValueLayout.JAVA_INT, rule.topK());
      weights = arena.allocate(ValueLayout.JAVA_FLOAT, rule.topK());
    }
  }

  @Override
  public void route(
      MemorySegment logits, int tokens, MemorySegment residents, Selection selection) {
    gate.route(logits, tokens, residents, selection);
    if (tokens > 1) {
      Workspace workspace = idle.getAndSet(null);
      if (workspace == null) {
        workspace = new Workspace(rule);
      }
      spread(logits, tokens, residents, selection, workspace);
      idle.set(workspace);
    }
  }

  private void spread(
      MemorySegment logits,
      int tokens,
      MemorySegment residents,
      Selection selection,
      Workspace workspace) {
    Arrays.fill(workspace.wanted, 0);
    for (int assignment = 0; assignment < selection.assignments(); assignment++) {
      if (selection.expert(assignment) >= 0) {
        workspace.wanted[selection.expert(assignment)]++;
      }
    }
    ResidencyCapacity.fill(
        residents, tokens, rule.topK(), workspace.wanted, absentShare, workspace.capacities);
    selection.keepGateChoice();
    workspace.dispatch.dispatch(logits, tokens, workspace.capacities, selection.ids());
    long rowBytes = (long) rule.experts() * Float.BYTES;
    long assignmentBytes = (long) rule.topK() * Integer.BYTES;
    for (int token = 0; token < tokens; token++) {
      if (selection.isGateChoice(token)) {
        selection.noneDisplaced(token);
      } else {
        long at = token * assignmentBytes;
        MemorySegment.copy(logits, token * rowBytes, workspace.logits, 0, rowBytes);
        MemorySegment.copy(selection.ids(), at, workspace.ids, 0, assignmentBytes);
        kernels.gateWeights(
            workspace.logits,
            rule.experts(),
            workspace.ids,
            rule.topK(),
            rule.over(),
            workspace.weights);
        MemorySegment.copy(workspace.weights, 0, selection.weights(), at, assignmentBytes);
        selection.compareWithGate(token, workspace.logits, residents);
      }
    }
  }

  @Override
  public void close() {
    gate.close();
  }
}
