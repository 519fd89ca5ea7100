package dev.warmgate.expert;

import dev.warmgate.kernels.Activation;
import dev.warmgate.kernels.Denominator;
import dev.warmgate.kernels.ExpertWeights;
import dev.warmgate.kernels.FfnBatch;
import dev.warmgate.kernels.FfnShape;
import dev.warmgate.kernels.Kernels;
import dev.warmgate.kernels.NativeMemory;
import dev.warmgate.kernels.RouteExtras;
import dev.warmgate.kernels.RoutePlan;
import dev.warmgate.kernels.RoutePolicy;
import dev.warmgate.kernels.Step;
import dev.warmgate.kernels.Ties;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * Applies a layer's gate ahead of its time: to the hidden states of an earlier layer, which differ
 * from its own by what the layers in between add to them.
 *
 * <p>The layer's normalisation is folded into the matrix, so that it takes normalised states that
 * no layer has scaled yet.
 *
 * <p>Source: "Fast Inference of Mixture-of-Experts Language Models with Offloading", arXiv
 * 2312.17238, speculative expert loading.
 */
final class GateLookahead implements AutoCloseable {
  private final Kernels kernels;
  private final int experts;
  private final int candidates;
  private final FfnShape shape;
  private final NativeMemory.Block block;
  private final ExpertWeights weights;
  private final RoutePlan plan;
  private final Pool<Buffers> buffers = new Pool<>(Buffers::new);

  /**
   * The lookahead of one layer.
   *
   * @param candidates how many experts are named for one token
   */
  GateLookahead(Kernels kernels, GateMatrix gate, int candidates) {
    this.kernels = kernels;
    this.experts = gate.experts();
    this.candidates = Math.min(candidates, experts);
    // A matrix times some vectors is the first half of a feed-forward that changes nothing.
    shape =
        new FfnShape(gate.hidden(), experts, Activation.IDENTITY, 1, 0, Float.POSITIVE_INFINITY);
    plan =
        new RoutePlan(
            experts,
            this.candidates,
            Denominator.ALL,
            Ties.HIGHER_ID,
            RoutePolicy.LOSSLESS,
            0,
            1,
            0);
    long matrixBytes = (long) experts * gate.hidden() * Float.BYTES;
    block = NativeMemory.allocate(matrixBytes + (long) experts * Float.BYTES);
    MemorySegment matrix = block.memory().asSlice(0, matrixBytes);
    MemorySegment bias = block.memory().asSlice(matrixBytes, (long) experts * Float.BYTES);
    for (int e = 0; e < experts; e++) {
      for (int i = 0; i < gate.hidden(); i++) {
        matrix.setAtIndex(
            ValueLayout.JAVA_FLOAT, (long) e * gate.hidden() + i, gate.weight(e, i) * gate.norm(i));
      }
      bias.setAtIndex(ValueLayout.JAVA_FLOAT, e, gate.bias(e));
    }
    // The second matrix is never used; it has as many elements as the first.
    weights = new ExpertWeights(matrix, bias, matrix, MemorySegment.NULL);
  }

  /** The most experts that a forecast names. */
  int candidates() {
    return candidates;
  }

  /**
   * Names the experts that the layer will probably want, the likeliest first.
   *
   * @param x {@code f32[tokens, H]}, normalised and not scaled
   * @param tokens 1 to {@link GateForecaster#MAX_TOKENS}
   * @param ids receives up to {@link #candidates()} ids
   * @return how many
   */
  int forecast(MemorySegment x, int tokens, int[] ids) {
    Buffers own = buffers.take();
    try {
      own.multiply(x, tokens);
      int bad =
          kernels.route(
              plan,
              0,
              own.logits,
              tokens,
              MemorySegment.NULL,
              own.ids,
              own.shares,
              RouteExtras.NONE);
      if (bad >= 0) {
        return 0;
      }
      return tokens == 1 ? own.first(ids) : own.likeliest(tokens, ids);
    } finally {
      buffers.give(own);
    }
  }

  @Override
  public void close() {
    buffers.close();
    plan.close();
    block.close();
  }

  /** What one forecast needs for itself. */
  private final class Buffers implements AutoCloseable {
    private static final int PART = 0;

    final FfnBatch batch = new FfnBatch(shape, 1);
    final NativeMemory.Block memory;
    final MemorySegment logits;
    final MemorySegment unused;
    final MemorySegment ids;
    final MemorySegment shares;
    final MemorySegment assignments;
    final float[] mass = new float[experts];

    Buffers() {
      long tokens = GateForecaster.MAX_TOKENS;
      long logitBytes = tokens * experts * Float.BYTES;
      long rowBytes = tokens * shape.hidden() * Float.BYTES;
      long idBytes = tokens * candidates * Integer.BYTES;
      memory = NativeMemory.allocate(logitBytes + rowBytes + 2 * idBytes + tokens * Integer.BYTES);
      logits = memory.memory().asSlice(0, logitBytes);
      unused = memory.memory().asSlice(logitBytes, rowBytes);
      ids = memory.memory().asSlice(logitBytes + rowBytes, idBytes);
      shares = memory.memory().asSlice(logitBytes + rowBytes + idBytes, idBytes);
      assignments = memory.memory().asSlice(logitBytes + rowBytes + 2 * idBytes);
      for (int token = 0; token < tokens; token++) {
        assignments.setAtIndex(ValueLayout.JAVA_INT, token, token);
      }
    }

    void multiply(MemorySegment x, int tokens) {
      batch.begin(tokens, 1, x, logits, unused, logits, unused, 1);
      batch.add(weights, assignments, tokens);
      kernels.run(Step.UP, batch, PART);
      batch.clearExperts();
    }

    int first(int[] found) {
      int most = Math.min(candidates, found.length);
      for (int rank = 0; rank < most; rank++) {
        found[rank] = ids.getAtIndex(ValueLayout.JAVA_INT, rank);
        if (found[rank] < 0) {
          return rank;
        }
      }
      return most;
    }

    /** The experts with the largest sum of shares over the tokens. */
    int likeliest(int tokens, int[] found) {
      Arrays.fill(mass, 0);
      for (int i = 0; i < tokens * candidates; i++) {
        int expert = ids.getAtIndex(ValueLayout.JAVA_INT, i);
        if (expert >= 0) {
          mass[expert] += shares.getAtIndex(ValueLayout.JAVA_FLOAT, i);
        }
      }
      return Likeliest.take(mass, found.length, found);
    }

    @Override
    public void close() {
      batch.close();
      memory.close();
    }
  }
}
