package dev.warmgate.host.session;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.warmgate.host.ffi.CallMemory;
import dev.warmgate.host.ffi.Native;
import dev.warmgate.onnx.ElementType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.IntFunction;

/** An {@code OrtValue}: a dense tensor, for one call. */
public final class Tensor implements AutoCloseable {
  private final SessionApi api = SessionApi.get();
  private long value;

  Tensor(long value) {
    this.value = value;
  }

  /**
   * A tensor over memory of the caller, which stays as it is until the tensor is closed.
   *
   * @param bytes how many there are; ONNX Runtime refuses too few
   */
  public static Tensor over(long address, long bytes, ElementType type, long[] dims) {
    MemorySegment memory = CallMemory.of(Long.BYTES * (dims.length + 1L));
    MemorySegment.copy(dims, 0, memory, JAVA_LONG, Long.BYTES, dims.length);
    long out = memory.address();
    SessionApi.get().wrap(address, bytes, out + Long.BYTES, dims.length, type.code(), out);
    return new Tensor(Native.pointer(out));
  }

  /**
   * A tensor of strings, which are any bytes.
   *
   * @param count elements of the shape
   * @param strings of each index
   */
  public static Tensor strings(long[] dims, int count, IntFunction<MemorySegment> strings) {
    SessionApi api = SessionApi.get();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment shape = arena.allocateFrom(JAVA_LONG, dims);
      long out = arena.allocate(JAVA_LONG).address();
      api.allocate(shape.address(), dims.length, ElementType.STRING.code(), out);
      Tensor tensor = new Tensor(Native.pointer(out));
      try {
        for (int i = 0; i < count; i++) {
          MemorySegment string = strings.apply(i);
          // SAFETY: the buffer is that long, and lives as long as the tensor.
          long buffer =
              api.make(
                  SessionAbi.GET_RESIZED_STRING_TENSOR_ELEMENT_BUFFER,
                  tensor.value,
                  i,
                  string.byteSize());
          Native.view(buffer, string.byteSize()).copyFrom(string);
        }
        return tensor;
      } catch (RuntimeException | Error e) {
        tensor.close();
        throw e;
      }
    }
  }

  long value() {
    return value;
  }

  /** The shape that it really has. */
  public long[] dims() {
    long info = api.make(SessionAbi.GET_TENSOR_TYPE_AND_SHAPE, value);
    try (Arena arena = Arena.ofConfined()) {
      int rank = (int) api.make(SessionAbi.GET_DIMENSIONS_COUNT, info);
      MemorySegment dims = arena.allocate(JAVA_LONG, Math.max(rank, 1));
      api.call(SessionAbi.GET_DIMENSIONS, info, dims.address(), rank);
      return dims.asSlice(0, 8L * rank).toArray(JAVA_LONG);
    } finally {
      api.release(SessionAbi.RELEASE_TENSOR_TYPE_AND_SHAPE_INFO, info);
    }
  }

  /** Where its elements are, until it is closed. Not for strings. */
  public long address() {
    return api.make(SessionAbi.GET_TENSOR_MUTABLE_DATA, value);
  }

  /** The bytes of all strings together. */
  public long stringBytes() {
    return api.make(SessionAbi.GET_STRING_TENSOR_DATA_LENGTH, value);
  }

  /**
   * Copies strings out, one behind the other.
   *
   * @param content as many bytes as {@link #stringBytes} says
   * @return where each begins
   */
  public long[] copyStrings(MemorySegment content, int count) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment offsets = arena.allocate(JAVA_LONG, Math.max(count, 1));
      api.call(
          SessionAbi.GET_STRING_TENSOR_CONTENT,
          value,
          content.address(),
          content.byteSize(),
          offsets.address(),
          count);
      return offsets.asSlice(0, 8L * count).toArray(JAVA_LONG);
    }
  }

  @Override
  public void close() {
    if (value != 0) {
      api.releaseValue(value);
      value = 0;
    }
  }
}
