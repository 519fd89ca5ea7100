package dev.warmgate.generate;

import ai.onnxruntime.OrtException;

/** The tokens of a sequence so far and their key-value cache. For one thread at a time. */
sealed interface Sequence extends AutoCloseable permits DecoderState, BatchRow {

  /** Tokens in the sequence. */
  int length();

  /** Appends tokens, and returns the logits of what follows; see {@link DecoderState#append}. */
  float[] append(int... tokens) throws OrtException;

  /** Lets go of the cache. */
  @Override
  void close();
}
