package dev.warmgate.generate;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import dev.warmgate.generate.DecoderModel.CacheSlot;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * Finds out whether a model can advance several sequences by one run, by trying.
 *
 * <p>{@code genai_config.json} doesn't say it. It takes an attention that finds each row's length
 * in the mask and adds to the cache in place, as {@code GroupQueryAttention} does on the CPU; one
 * that appends to the cache as a whole, or takes the mask's end for the last token, can't.
 *
 * <p>So two sequences of different lengths take a step together, in memory that is full of NaN
 * where no token is. What is looked at: the run works; no NaN reaches the logits; and the keys that
 * the first layer adds are where they belong and are those that each sequence gets alone. Keys of
 * later layers, and logits, may depend on which experts are resident.
 */
final class BatchProbe {
  private static final int[][] PROMPTS = {{1, 2, 3}, {2}};
  private static final int[] NEXT = {3, 1};

  /** Of the largest number that a sequence has alone: half precision must pass. */
  private static final float TOLERANCE = 1e-2f;

  private BatchProbe() {}

  /** Whether the model can be batched; false too if a run fails. */
  static boolean passes(DecoderModel model) {
    if (!model.bindings().openBatch()
        || model.bindings().cache().isEmpty()
        || model.config().contextLength() <= PROMPTS[0].length
        || model.config().vocabularySize() <= 3) {
      return false;
    }
    try (OrtSession.RunOptions quiet = new OrtSession.RunOptions()) {
      quiet.setLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL);
      try (DecoderBatch batch = new DecoderBatch(model, quiet)) {
        return together(model, batch);
      }
    } catch (OrtException e) {
      return false; // Whatever is wrong with the model itself, a sequence alone will tell.
    }
  }

  private static boolean together(DecoderModel model, DecoderBatch batch) throws OrtException {
    BatchRow[] rows = new BatchRow[PROMPTS.length];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = batch.start(PROMPTS[i].length + 1);
    }
    for (int slot = 0; slot < model.bindings().cache().size(); slot++) {
      batch.cache().slot(slot).fill((byte) -1); // NaN in every type
    }
    for (int i = 0; i < rows.length; i++) {
      rows[i].append(PROMPTS[i]);
    }
    for (int i = 0; i < rows.length; i++) {
      rows[i].next(NEXT[i]);
    }
    batch.step();
    for (int i = 0; i < rows.length; i++) {
      if (!finite(rows[i].logits()) || !sameKeys(model, batch.cache(), i)) {
        return false;
      }
    }
    return true;
  }

  private static boolean finite(float[] logits) {
    for (float logit : logits) {
      if (Float.isNaN(logit)) {
        return false;
      }
    }
    return true;
  }

  /** Compares what a row has in the first of the model's caches with what it would have alone. */
  private static boolean sameKeys(DecoderModel model, CacheRows cache, int row)
      throws OrtException {
    CacheSlot slot = model.bindings().cache().getFirst();
    int length = PROMPTS[row].length + 1;
    int head = Math.toIntExact(length * slot.headSize());
    float[] alone = new float[Math.toIntExact(slot.heads() * head)];
    try (DecoderState state = model.start(length)) {
      state.append(PROMPTS[row]);
      state.append(NEXT[row]);
      OnnxTensor keys = state.cached(slot);
      if (!Arrays.equals(keys.getInfo().getShape(), slot.shape(1, length))) {
        return false;
      }
      // SAFETY: the tensor stays open for as long as its buffer is read.
      read(MemorySegment.ofBuffer(keys.getByteBuffer()), 0, slot, alone);
    }
    float largest = 0;
    for (float value : alone) {
      largest = Math.max(largest, Math.abs(value));
    }
    float[] together = new float[head];
    for (int h = 0; h < slot.heads(); h++) {
      long start = (row * slot.heads() + h) * cache.tokens() * slot.headSize();
      read(cache.slot(0), start, slot, together);
      for (int i = 0; i < head; i++) {
        if (!(Math.abs(together[i] - alone[h * head + i]) <= TOLERANCE * largest)) {
          return false;
        }
      }
    }
    return true;
  }

  private static void read(MemorySegment memory, long start, CacheSlot slot, float[] values) {
    for (int i = 0; i < values.length; i++) {
      long at = start + i;
      values[i] =
          switch (slot.type()) {
            case FLOAT -> memory.get(ValueLayout.JAVA_FLOAT_UNALIGNED, at * Float.BYTES);
            case FLOAT16 ->
                Float.float16ToFloat(
                    memory.get(ValueLayout.JAVA_SHORT_UNALIGNED, at * Short.BYTES));
            default -> // bfloat16: the upper half of a float
                Float.intBitsToFloat(
                    memory.get(ValueLayout.JAVA_SHORT_UNALIGNED, at * Short.BYTES) << 16);
          };
    }
  }
}
