package dev.warmgate.expert;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Between the fp16 of some models' values and the fp32 that kernels compute with. */
final class HalfFloats {
  private HalfFloats() {}

  /** Widens {@code f16[count]} to {@code f32[count]}, exactly. */
  static void widen(MemorySegment halves, MemorySegment floats, long count) {
    for (long i = 0; i < count; i++) {
      short half = halves.get(ValueLayout.JAVA_SHORT_UNALIGNED, i * Short.BYTES);
      floats.setAtIndex(ValueLayout.JAVA_FLOAT, i, Float.float16ToFloat(half));
    }
  }

  /** Rounds {@code f32[count]} to {@code f16[count]}, to nearest, ties to even. */
  static void narrow(MemorySegment floats, MemorySegment halves, long count) {
    for (long i = 0; i < count; i++) {
      short half = Float.floatToFloat16(floats.getAtIndex(ValueLayout.JAVA_FLOAT, i));
      halves.set(ValueLayout.JAVA_SHORT_UNALIGNED, i * Short.BYTES, half);
    }
  }
}
