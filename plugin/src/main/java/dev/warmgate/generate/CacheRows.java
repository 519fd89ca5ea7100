package dev.warmgate.generate;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import dev.warmgate.generate.DecoderModel.CacheSlot;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The key-value caches of sequences, a row each: for each of the model's cache tensors, memory
 * [rows, heads, tokens, head size]. A row's tokens lie at its left; what is behind them is never
 * read. A run over some rows reads and writes them where they are.
 *
 * <p>Safe because tensors over the memory are closed before it is.
 */
final class CacheRows implements AutoCloseable {
  private static final long ALIGNMENT = 64;

  private final DecoderModel model;
  private final int rows;
  private final int tokens;
  private final Arena arena = Arena.ofShared();
  private final List<MemorySegment> slots = new ArrayList<>();

  CacheRows(DecoderModel model, int rows, int tokens) {
    this.model = model;
    this.rows = rows;
    this.tokens = tokens;
    try {
      for (CacheSlot slot : model.bindings().cache()) {
        slots.add(arena.allocate(rows * rowBytes(slot), ALIGNMENT));
      }
    } catch (OutOfMemoryError e) {
      arena.close();
      throw e;
    }
  }

  /** Whether a tensor of so many rows and tokens can be made: Java's end at two gigabytes. */
  static boolean possible(DecoderModel model, long rows, long tokens) {
    return model.bindings().cache().stream()
        .allMatch(s -> rows * s.heads() * tokens * s.tokenBytes() <= Integer.MAX_VALUE);
  }

  int rows() {
    return rows;
  }

  /** How many tokens a row has room for. */
  int tokens() {
    return tokens;
  }

  private long headBytes(CacheSlot slot) {
    return tokens * slot.tokenBytes();
  }

  private long rowBytes(CacheSlot slot) {
    return slot.heads() * headBytes(slot);
  }

  /**
   * Some rows as inputs and outputs of a run: the same tensors.
   *
   * @param past by the inputs' names
   * @param present by the outputs' names
   */
  record View(Map<String, OnnxTensor> past, Map<String, OnnxTensor> present) {}

  /**
   * Tensors over some rows.
   *
   * @param tensors gets them; the caller closes it
   */
  View view(int first, int count, Tensors tensors) throws OrtException {
    Map<String, OnnxTensor> past = new HashMap<>();
    Map<String, OnnxTensor> present = new HashMap<>();
    for (int i = 0; i < slots.size(); i++) {
      CacheSlot slot = model.bindings().cache().get(i);
      MemorySegment part = slots.get(i).asSlice(first * rowBytes(slot), count * rowBytes(slot));
      OnnxTensor tensor =
          tensors.add(
              OnnxTensor.createTensor(
                  model.environment(),
                  part.asByteBuffer().order(ByteOrder.nativeOrder()),
                  slot.shape(count, tokens),
                  slot.type()));
      past.put(slot.past(), tensor);
      present.put(slot.present(), tensor);
    }
    return new View(past, present);
  }

  /** Copies the first tokens of a row to a row of this or other memory. */
  void copyRow(int from, CacheRows target, int to, int length) {
    for (int i = 0; i < slots.size(); i++) {
      CacheSlot slot = model.bindings().cache().get(i);
      for (long head = 0; head < slot.heads(); head++) {
        MemorySegment.copy(
            slots.get(i),
            from * rowBytes(slot) + head * headBytes(slot),
            target.slots.get(i),
            to * target.rowBytes(slot) + head * target.headBytes(slot),
            length * slot.tokenBytes());
      }
    }
  }

  /** The memory of one of the model's cache tensors. */
  MemorySegment slot(int index) {
    return slots.get(index);
  }

  @Override
  public void close() {
    arena.close();
  }
}
