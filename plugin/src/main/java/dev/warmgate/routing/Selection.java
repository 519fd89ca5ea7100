package dev.warmgate.routing;

import dev.warmgate.kernels.NativeMemory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The expert ids chosen for the tokens of a call, with their combine weights, in native memory.
 *
 * <p>Position {@code token·k + rank} is called an assignment. Grows to the largest call and is then
 * reused.
 */
public final class Selection implements AutoCloseable {
  private final int topK;
  private int tokens;
  private NativeMemory.Block block = NativeMemory.allocate(1);
  private MemorySegment ids = MemorySegment.NULL;
  private MemorySegment weights = MemorySegment.NULL;
  private MemorySegment[] idRows = new MemorySegment[0];
  private MemorySegment[] weightRows = new MemorySegment[0];
  private NativeMemory.Block rowBlock = NativeMemory.allocate(1);

  /**
   * An empty selection.
   *
   * @param topK experts a token
   */
  public Selection(int topK) {
    this.topK = topK;
  }

  /** Makes room for a call. What was selected before is lost. */
  public void begin(int tokenCount) {
    if (tokenCount > idRows.length) {
      grow(tokenCount);
    }
    tokens = tokenCount;
  }

  /** How many tokens the call has. */
  public int tokens() {
    return tokens;
  }

  /** k: experts a token. */
  public int topK() {
    return topK;
  }

  /** How many assignments the call has. */
  public int assignments() {
    return tokens * topK;
  }

  /** The expert of an assignment, −1 if the token has fewer than k. */
  public int expert(int assignment) {
    return ids.getAtIndex(ValueLayout.JAVA_INT, assignment);
  }

  /** The combine weight of an assignment, 0 if it has no expert. */
  public float weight(int assignment) {
    return weights.getAtIndex(ValueLayout.JAVA_FLOAT, assignment);
  }

  /** All ids, {@code i32[tokens, k]}, highest score first. */
  public MemorySegment ids() {
    return ids;
  }

  /** All combine weights, {@code f32[tokens, k]}. */
  public MemorySegment weights() {
    return weights;
  }

  MemorySegment idRow(int token) {
    return idRows[token];
  }

  MemorySegment weightRow(int token) {
    return weightRows[token];
  }

  /** A copy of one token's logits, since a view of them would be a new object for each token. */
  MemorySegment logitRow(MemorySegment logits, int token, int experts) {
    long rowBytes = (long) experts * Float.BYTES;
    if (rowBlock.memory().byteSize() != rowBytes) {
      rowBlock.close();
      rowBlock = NativeMemory.allocate(rowBytes);
    }
    MemorySegment row = rowBlock.memory();
    MemorySegment.copy(logits, token * rowBytes, row, 0, rowBytes);
    return row;
  }

  @Override
  public void close() {
    rowBlock.close();
    block.close();
  }

  private void grow(int tokenCount) {
    long rowBytes = (long) topK * Integer.BYTES;
    block.close();
    block = NativeMemory.allocate(2L * tokenCount * rowBytes);
    ids = block.memory().asSlice(0, tokenCount * rowBytes);
    weights = block.memory().asSlice(tokenCount * rowBytes);
    // Made once, so that routing a batch allocates nothing.
    idRows = new MemorySegment[tokenCount];
    weightRows = new MemorySegment[tokenCount];
    for (int token = 0; token < tokenCount; token++) {
      idRows[token] = ids.asSlice(token * rowBytes, rowBytes);
      weightRows[token] = weights.asSlice(token * rowBytes, rowBytes);
    }
  }
}
