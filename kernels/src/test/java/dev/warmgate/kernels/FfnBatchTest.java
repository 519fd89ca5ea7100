package dev.warmgate.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class FfnBatchTest {
  private static final FfnShape SHAPE = FfnShape.of(3, 5, Activation.SWIGLU_HALVES);
  private static final int TOKENS = 4;
  private static final int TOP_K = 2;
  private static final int SLOTS = TOKENS * TOP_K;

  private final MemorySegment x = floats(TOKENS * 3);
  private final MemorySegment inner = floats(SLOTS * 5);
  private final MemorySegment partial = floats(SLOTS * 3);
  private final MemorySegment gates = floats(SLOTS);
  private final MemorySegment out = floats(TOKENS * 3);
  private final ExpertWeights weights = ExpertWeights.of(floats(10 * 3), floats(3 * 5));
  private final MemorySegment assignments = Arena.ofAuto().allocate(4 * 2, 4);

  private static MemorySegment floats(int count) {
    return Arena.ofAuto().allocate(4L * count, 4);
  }

  @Test
  void nativeMemoryIsCounted() {
    long before = NativeMemory.bytesInUse();
    FfnBatch batch = new FfnBatch(SHAPE, 7);
    assertEquals(batch.nativeBytes(), NativeMemory.bytesInUse() - before);
    batch.close();
    batch.close();
    assertEquals(before, NativeMemory.bytesInUse());
  }

  @Test
  void shapesOutOfRangeAreRefused() {
    refused(() -> FfnShape.of(0, 1, Activation.RELU));
    refused(() -> FfnShape.of(1, FfnShape.MAX_DIMENSION + 1, Activation.RELU));
    refused(() -> new FfnShape(1, 1, null, 1, 0, 1));
    refused(() -> new FfnShape(1, 1, Activation.SWIGLU_HALVES, Float.NaN, 0, 1));
    refused(() -> new FfnShape(1, 1, Activation.SWIGLU_HALVES, 1, 0, -1));
    refused(() -> new FfnShape(1, 1, Activation.SWIGLU_HALVES, 1, 0, Float.NaN));
    refused(() -> new FfnBatch(SHAPE, 0));
  }

  @Test
  void buffersThatAreTooSmallAreRefused() {
    try (FfnBatch batch = new FfnBatch(SHAPE, 2)) {
      refused(() -> batch.begin(TOKENS, TOP_K, cut(x), inner, partial, gates, out, 1));
      refused(() -> batch.begin(TOKENS, TOP_K, x, cut(inner), partial, gates, out, 1));
      refused(() -> batch.begin(TOKENS, TOP_K, x, inner, cut(partial), gates, out, 1));
      refused(() -> batch.begin(TOKENS, TOP_K, x, inner, partial, cut(gates), out, 1));
      refused(() -> batch.begin(TOKENS, TOP_K, x, inner, partial, gates, cut(out), 1));
      refused(() -> batch.begin(-1, TOP_K, x, inner, partial, gates, out, 1));
      refused(() -> batch.begin(TOKENS, 0, x, inner, partial, gates, out, 1));
      refused(() -> batch.begin(TOKENS, TOP_K, x, inner, partial, gates, out, 0));
      // Numbers whose product overflows an int, and a long of bytes.
      refused(() -> batch.begin(1 << 30, 1 << 30, x, inner, partial, gates, out, 1));
    }
  }

  @Test
  void expertsThatDoNotFitAreRefused() {
    try (FfnBatch batch = new FfnBatch(SHAPE, 2)) {
      assertThrows(IllegalStateException.class, () -> batch.add(weights, assignments, 1));
      begin(batch, 1);
      MemorySegment none = MemorySegment.NULL;
      MemorySegment fc1 = weights.fc1().weights();
      MemorySegment fc2 = weights.fc2().weights();
      refused(() -> batch.add(ExpertWeights.of(cut(fc1), fc2), assignments, 1));
      refused(() -> batch.add(ExpertWeights.of(fc1, cut(fc2)), assignments, 1));
      refused(() -> batch.add(new ExpertWeights(fc1, floats(9), fc2, none), assignments, 1));
      refused(() -> batch.add(new ExpertWeights(fc1, none, fc2, floats(2)), assignments, 1));
      refused(() -> batch.add(weights, assignments, 3));
      refused(() -> batch.add(weights, assignments, -1));
      for (int bad : new int[] {-1, SLOTS, Integer.MIN_VALUE}) {
        assignments.asByteBuffer().order(java.nio.ByteOrder.nativeOrder()).putInt(4, bad);
        refused(() -> batch.add(weights, assignments, 2));
      }
      batch.add(weights, assignments, 0);
      batch.add(weights, assignments, 1);
      batch.add(weights, assignments, 1);
      refused(() -> batch.add(weights, assignments, 1));
      batch.clearExperts();
      batch.add(weights, assignments, 1);
    }
  }

  @Test
  void closedMemoryIsRefused() {
    try (FfnBatch batch = new FfnBatch(SHAPE, 2)) {
      Arena arena = Arena.ofShared();
      MemorySegment gone = arena.allocate(1024);
      arena.close();
      refused(() -> batch.begin(TOKENS, TOP_K, gone, inner, partial, gates, out, 1));
      begin(batch, 1);
      refused(() -> batch.add(ExpertWeights.of(gone, weights.fc2().weights()), assignments, 1));
      refused(() -> batch.add(weights, gone, 1));
    }
  }

  @ParameterizedTest
  @EnumSource(Tier.class)
  void partsOutOfRangeAreRefused(Tier tier) {
    Kernels kernels = TestedTier.require(tier);
    try (FfnBatch batch = new FfnBatch(SHAPE, 2)) {
      refused(() -> kernels.run(Step.UP, batch, 0));
      begin(batch, 3);
      kernels.run(Step.UP, batch, 2);
      refused(() -> kernels.run(Step.UP, batch, 3));
      refused(() -> kernels.run(Step.UP, batch, -1));
    }
  }

  @ParameterizedTest
  @EnumSource(Tier.class)
  void nativeTiersRefuseTheHeap(Tier tier) {
    Kernels kernels = TestedTier.require(tier);
    try (FfnBatch batch = new FfnBatch(SHAPE, 2)) {
      MemorySegment heap = MemorySegment.ofArray(new float[64]);
      batch.begin(TOKENS, TOP_K, heap, heap, heap, heap, heap, 1);
      if (tier == Tier.SCALAR) {
        kernels.run(Step.COMBINE, batch, 0);
      } else {
        refused(() -> kernels.run(Step.COMBINE, batch, 0));
        begin(batch, 1);
        batch.add(ExpertWeights.of(heap, weights.fc2().weights()), assignments, 1);
        refused(() -> kernels.run(Step.UP, batch, 0));
        batch.clearExperts();
        kernels.run(Step.UP, batch, 0);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Tier.class)
  void aClosedBatchDoesNotRun(Tier tier) {
    Kernels kernels = TestedTier.require(tier);
    FfnBatch batch = new FfnBatch(SHAPE, 2);
    begin(batch, 1);
    batch.close();
    assertThrows(IllegalStateException.class, () -> kernels.run(Step.UP, batch, 0));
  }

  private void begin(FfnBatch batch, int parts) {
    batch.begin(TOKENS, TOP_K, x, inner, partial, gates, out, parts);
  }

  private static MemorySegment cut(MemorySegment segment) {
    return segment.asSlice(0, segment.byteSize() - 1);
  }

  private static void refused(Runnable call) {
    assertThrows(IllegalArgumentException.class, call::run);
  }
}
