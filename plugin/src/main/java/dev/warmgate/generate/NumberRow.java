package dev.warmgate.generate;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Whole numbers in native memory, from which inputs [1,n] are cut without a copy.
 *
 * <p>Safe because a tensor reads the memory only while a run uses it: {@link DecoderState} closes
 * its tensors after each run, and the arena after the last one.
 */
final class NumberRow {
  private final OnnxJavaType type;
  private final MemorySegment memory;

  /**
   * Makes a row of zeros.
   *
   * @param arena owns the memory
   * @param type INT64 or INT32
   */
  NumberRow(Arena arena, OnnxJavaType type, int capacity) {
    this.type = type;
    memory = arena.allocate((long) capacity * type.size, Long.BYTES);
  }

  void set(int index, int value) {
    if (type == OnnxJavaType.INT64) {
      memory.setAtIndex(ValueLayout.JAVA_LONG, index, value);
    } else {
      memory.setAtIndex(ValueLayout.JAVA_INT, index, value);
    }
  }

  /** A tensor over part of the row; the caller closes it. */
  OnnxTensor tensor(OrtEnvironment environment, int from, int count) throws OrtException {
    MemorySegment part = memory.asSlice((long) from * type.size, (long) count * type.size);
    return OnnxTensor.createTensor(
        environment,
        part.asByteBuffer().order(ByteOrder.nativeOrder()),
        new long[] {1, count},
        type);
  }
}
