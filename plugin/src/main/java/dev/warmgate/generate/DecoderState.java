package dev.warmgate.generate;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.warmgate.generate.DecoderModel.Bindings;
import dev.warmgate.generate.DecoderModel.CacheSlot;
import dev.warmgate.generate.ModelStep.Caches;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * A sequence of its own, in any layout that {@code genai_config.json} describes. For one thread at
 * a time.
 *
 * <p>Cache tensors are owned by the result of the step that made them, and live until the next step
 * has read them.
 */
public final class DecoderState implements Sequence {
  private final DecoderModel model;
  private final Bindings bindings;
  private final int capacity;
  private final ModelStep step;
  private final Map<String, OnnxTensor> cache = new HashMap<>();

  /** Closes the tensors of the cache. */
  private Runnable releaseCache;

  private final float[] logits;
  private int length;
  private boolean closed;

  DecoderState(DecoderModel model, int capacity) throws OrtException {
    this.model = model;
    this.capacity = capacity;
    bindings = model.bindings();
    step = new ModelStep(model);
    logits = new float[model.config().vocabularySize()];
    Tensors empty = new Tensors();
    releaseCache = empty::close;
    try {
      for (CacheSlot slot : bindings.cache()) {
        cache.put(slot.past(), empty.add(emptyTensor(slot)));
      }
    } catch (OrtException | RuntimeException e) {
      close();
      throw e;
    }
  }

  private OnnxTensor emptyTensor(CacheSlot slot) throws OrtException {
    ByteBuffer nothing = ByteBuffer.allocateDirect(0).order(ByteOrder.nativeOrder());
    return OnnxTensor.createTensor(model.environment(), nothing, slot.shape(1, 0), slot.type());
  }

  /** Tokens in the sequence. */
  @Override
  public int length() {
    return length;
  }

  /**
   * Appends tokens and returns the logits of what follows the last of them.
   *
   * @param tokens at least one, ids of the vocabulary
   * @return one logit for each id of the vocabulary; the array is written again by the next call
   * @throws IllegalArgumentException if there is no token, too many, or one outside the vocabulary;
   *     nothing was appended then
   * @throws OrtException if the model can't be run; the sequence is as before the failed part
   */
  @Override
  public float[] append(int... tokens) throws OrtException {
    if (closed) {
      throw new IllegalStateException("the sequence is closed");
    }
    model.checkTokens(tokens, length, capacity);
    int part = step.partSize();
    for (int from = 0; from < tokens.length; ) {
      int count = Math.min(part, tokens.length - from);
      ModelStep.Row[] rows = {new ModelStep.Row(length, logits)};
      Caches caches = new Caches(cache, bindings.presents(), Map.of());
      int[] some = Arrays.copyOfRange(tokens, from, from + count);
      keep(step.run(rows, some, count, caches, null));
      length += count;
      from += count;
    }
    return logits;
  }

  /** Makes a step's present tensors the next step's past, and lets go of the old past. */
  private void keep(OrtSession.Result result) {
    for (CacheSlot slot : bindings.cache()) {
      cache.put(slot.past(), (OnnxTensor) result.get(slot.present()).orElseThrow());
    }
    releaseCache.run();
    releaseCache = result::close;
  }

  /** A tensor of the cache, until the next step. */
  OnnxTensor cached(CacheSlot slot) {
    return cache.get(slot.past());
  }

  /** Lets go of the cache. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      cache.clear();
      releaseCache.run();
      step.close();
    }
  }
}
