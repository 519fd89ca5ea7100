package dev.warmgate.generate;

import ai.onnxruntime.OrtException;

/** A sequence that lies in a row of a {@link DecoderBatch}. */
final class BatchRow implements Sequence {
  private final DecoderBatch batch;
  private final int capacity;
  private final float[] logits;
  private int length;
  private int next;

  BatchRow(DecoderBatch batch, int capacity, int vocabulary) {
    this.batch = batch;
    this.capacity = capacity;
    logits = new float[vocabulary];
  }

  @Override
  public int length() {
    return length;
  }

  @Override
  public float[] append(int... tokens) throws OrtException {
    return batch.append(this, tokens);
  }

  /** The logits of what follows the last token; written again by every step. */
  float[] logits() {
    return logits;
  }

  /** Sets the token that the next step of the batch appends. */
  void next(int token) {
    next = token;
  }

  int next() {
    return next;
  }

  int capacity() {
    return capacity;
  }

  ModelStep.Row step() {
    return new ModelStep.Row(length, logits);
  }

  void grew(int tokens) {
    length += tokens;
  }

  @Override
  public void close() {
    batch.leave(this);
  }
}
