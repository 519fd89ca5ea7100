package dev.warmgate.expert;

import dev.warmgate.kernels.FfnBatch;
import dev.warmgate.kernels.FfnShape;
import dev.warmgate.kernels.NativeMemory;
import dev.warmgate.kernels.RealType;
import dev.warmgate.residency.ExpertCache;
import dev.warmgate.residency.LeaseSet;
import dev.warmgate.routing.GateRule;
import dev.warmgate.routing.Selection;
import java.lang.foreign.MemorySegment;

/**
 * The buffers of one call, for layers of one kind. Grows to the largest call; used by one thread.
 */
final class Workspace implements AutoCloseable {
  /** Bounds the scratch memory of a call: longer ones are computed in pieces. */
  private static final long SCRATCH_BYTES = 64L << 20;

  /** What layers that can use each other's workspaces have in common. */
  record Kind(FfnShape shape, GateRule rule, RealType values, ExpertCache cache, boolean counting) {

    /** Bounds what a call keeps beside the scratch: a few objects for each assignment. */
    static final int MAX_TOKENS = 4096;

    /** The most tokens that are computed at once. */
    int maxTokens() {
      long tokenBytes =
          assignmentBytes() * rule.topK()
              + CallValues.tokenBytes(values, shape.hidden(), rule.experts());
      return Math.clamp(SCRATCH_BYTES / tokenBytes, 1, MAX_TOKENS);
    }

    private long assignmentBytes() {
      return (long) (shape.inner() + shape.hidden()) * Float.BYTES;
    }
  }

  final CallValues values;
  final Selection selection;
  final Assignments assignments;
  final LeaseSet leases;
  final FfnBatch batch;
  final int[] ready;
  private final Kind kind;
  private int capacity;
  private NativeMemory.Block scratch = NativeMemory.allocate(1);
  private MemorySegment inner = MemorySegment.NULL;
  private MemorySegment partial = MemorySegment.NULL;

  Workspace(Kind kind) {
    this.kind = kind;
    GateRule rule = kind.rule();
    values =
        new CallValues(kind.values(), kind.shape().hidden(), rule.experts(), rule.givenWeights());
    selection = new Selection(rule.topK());
    assignments = new Assignments(rule.experts());
    leases = kind.cache().newLeaseSet(kind.counting());
    batch = new FfnBatch(kind.shape(), rule.experts());
    ready = new int[rule.experts()];
  }

  /** Makes room for the scratch of a call. */
  void begin(int tokens) {
    int needed = tokens * kind.rule().topK();
    if (needed > capacity) {
      long innerBytes = (long) needed * kind.shape().inner() * Float.BYTES;
      long partialBytes = (long) needed * kind.shape().hidden() * Float.BYTES;
      capacity = 0; // If there is no memory, the next call tries again.
      scratch.close();
      scratch = NativeMemory.allocate(innerBytes + partialBytes);
      inner = scratch.memory().asSlice(0, innerBytes);
      partial = scratch.memory().asSlice(innerBytes, partialBytes);
      capacity = needed;
    }
  }

  /** {@code f32[tokens·k, I]} */
  MemorySegment inner() {
    return inner;
  }

  /** {@code f32[tokens·k, H]} */
  MemorySegment partial() {
    return partial;
  }

  @Override
  public void close() {
    leases.close();
    batch.close();
    assignments.close();
    selection.close();
    values.close();
    scratch.close();
  }
}
