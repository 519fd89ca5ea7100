package dev.warmgate.host.triton;

import dev.warmgate.host.session.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/** Triton's strings: each is four bytes of length, then so many bytes of anything. */
final class Strings {
  private static final ValueLayout.OfInt LENGTH =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(java.nio.ByteOrder.LITTLE_ENDIAN);

  private Strings() {}

  /**
   * Takes the content of a tensor apart.
   *
   * @param count elements of its shape
   * @throws TritonException if it holds more strings, or fewer, or ends within one
   */
  static List<MemorySegment> split(String name, MemorySegment content, long count) {
    List<MemorySegment> strings = new ArrayList<>();
    long at = 0;
    while (at < content.byteSize() && strings.size() < count) {
      long left = content.byteSize() - at - Integer.BYTES;
      long length = left < 0 ? -1 : Integer.toUnsignedLong(content.get(LENGTH, at));
      if (left < 0 || length > left) {
        throw TritonException.invalid("input '%s' ends within a string", name);
      }
      strings.add(content.asSlice(at + Integer.BYTES, length));
      at += Integer.BYTES + length;
    }
    if (strings.size() != count || at != content.byteSize()) {
      throw TritonException.invalid(
          "input '%s' doesn't hold the %d strings of its shape", name, count);
    }
    return strings;
  }

  /** Writes some of a tensor's strings into a response. */
  static void write(Response response, String name, long[] dims, Slice slice) {
    long bytes = 0;
    for (int i = 0; i < slice.count; i++) {
      bytes += Integer.BYTES + slice.length(i);
    }
    MemorySegment target = response.output(name, DataTypes.BYTES, dims, bytes);
    long at = 0;
    for (int i = 0; i < slice.count; i++) {
      long length = slice.length(i);
      target.set(LENGTH, at, Math.toIntExact(length));
      MemorySegment.copy(slice.content, slice.begin(i), target, at + Integer.BYTES, length);
      at += Integer.BYTES + length;
    }
  }

  /**
   * Some strings of a tensor.
   *
   * @param content all of the tensor's, one behind the other
   * @param offsets where each begins
   * @param first of the slice
   * @param count of the slice
   */
  @SuppressWarnings("ArrayRecordComponent") // Never compared.
  record Slice(MemorySegment content, long[] offsets, int first, int count) {
    private long begin(int i) {
      return offsets[first + i];
    }

    private long length(int i) {
      int next = first + i + 1;
      return (next < offsets.length ? offsets[next] : content.byteSize()) - begin(i);
    }
  }

  /** An input of strings for a session. */
  static Tensor tensor(long[] dims, List<MemorySegment> strings) {
    return Tensor.strings(dims, strings.size(), strings::get);
  }
}
