package dev.warmgate.expert;

import dev.warmgate.kernels.Kernels;
import dev.warmgate.kernels.NativeMemory;
import dev.warmgate.kernels.RealType;
import java.lang.foreign.MemorySegment;

/**
 * What a call brings and gets, as kernels want it: the host's own memory if that is fp32; otherwise
 * copies in fp32, of which the result is rounded once, at the end. Grows to the largest call.
 */
final class CallValues implements AutoCloseable {
  private final RealType type;
  private final int width;
  private final int experts;
  private final boolean given;
  private int capacity;
  private NativeMemory.Block copies = NativeMemory.allocate(1);
  private MemorySegment hidden = MemorySegment.NULL;
  private MemorySegment logits = MemorySegment.NULL;
  private MemorySegment shares = MemorySegment.NULL;
  private MemorySegment out = MemorySegment.NULL;

  /**
   * Of calls to layers of one kind.
   *
   * @param type of the host's values
   * @param width H
   * @param given whether there are combine weights
   */
  CallValues(RealType type, int width, int experts, boolean given) {
    this.type = type;
    this.width = width;
    this.experts = experts;
    this.given = given;
  }

  /** Bytes that a token takes beside the host's memory. */
  static long tokenBytes(RealType type, int width, int experts) {
    return type == RealType.FP32 ? 0 : (2L * width + 2L * experts) * Float.BYTES;
  }

  /** Takes a call's values, all of the host's type. */
  void begin(
      Kernels kernels,
      MemorySegment hostHidden,
      MemorySegment hostLogits,
      MemorySegment hostShares,
      MemorySegment hostOut,
      int tokens) {
    if (type == RealType.FP32) {
      hidden = hostHidden;
      logits = hostLogits;
      shares = hostShares;
      out = hostOut;
      return;
    }
    if (tokens > capacity) {
      grow(tokens);
    }
    kernels.widen(hostHidden, hidden, (long) tokens * width);
    kernels.widen(hostLogits, logits, (long) tokens * experts);
    if (given) {
      kernels.widen(hostShares, shares, (long) tokens * experts);
    }
  }

  /** Gives the host the result. */
  void end(Kernels kernels, MemorySegment hostOut, int tokens) {
    if (type != RealType.FP32) {
      kernels.narrow(out, hostOut, (long) tokens * width);
    }
  }

  private void grow(int tokens) {
    long rowBytes = (long) tokens * width * Float.BYTES;
    long logitBytes = (long) tokens * experts * Float.BYTES;
    capacity = 0; // If there is no memory, the next call tries again.
    copies.close();
    copies = NativeMemory.allocate(tokens * tokenBytes(type, width, experts));
    hidden = copies.memory().asSlice(0, rowBytes);
    out = copies.memory().asSlice(rowBytes, rowBytes);
    logits = copies.memory().asSlice(2 * rowBytes, logitBytes);
    shares = copies.memory().asSlice(2 * rowBytes + logitBytes, logitBytes);
    capacity = tokens;
  }

  /** Hidden states, {@code f32[tokens, H]}. */
  MemorySegment hidden() {
    return hidden;
  }

  /** Gate logits, {@code f32[tokens, E]}. */
  MemorySegment logits() {
    return logits;
  }

  /** Combine weights, {@code f32[tokens, E]}, if the layer has them. */
  MemorySegment shares() {
    return shares;
  }

  /** The result, {@code f32[tokens, H]}. */
  MemorySegment out() {
    return out;
  }

  @Override
  public void close() {
    copies.close();
  }
}
