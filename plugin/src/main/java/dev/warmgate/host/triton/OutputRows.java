package dev.warmgate.host.triton;

import dev.warmgate.host.ffi.Native;
import dev.warmgate.host.session.Tensor;
import dev.warmgate.host.session.TensorSpec;
import dev.warmgate.host.triton.TritonException.Code;
import dev.warmgate.kernels.NativeMemory;
import dev.warmgate.onnx.ElementType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;

/**
 * An output that ONNX Runtime made, of which requests get some rows each: elements of the first
 * dimension.
 *
 * @param dims its real shape
 * @param content its elements; of strings, their bytes one behind the other
 * @param offsets of strings, where each begins
 */
@SuppressWarnings("ArrayRecordComponent") // Never compared.
record OutputRows(TensorSpec spec, long[] dims, MemorySegment content, long[] offsets) {
  /** All rows, whatever their number; also for an output without dimensions. */
  static final long ALL = -1;

  /** Looks at a tensor, which must stay open while the rows are copied. */
  static OutputRows of(TensorSpec spec, Tensor tensor, List<AutoCloseable> open) {
    long[] dims = tensor.dims();
    long elements = elements(dims, 0);
    if (spec.type() == ElementType.STRING) {
      long bytes = tensor.stringBytes();
      NativeMemory.Block block = NativeMemory.allocate(Math.max(1, bytes));
      open.add(block);
      MemorySegment content = block.memory().asSlice(0, bytes);
      long[] offsets = tensor.copyStrings(content, Math.toIntExact(elements));
      return new OutputRows(spec, dims, content, offsets);
    }
    // SAFETY: the tensor has that many elements of that size, and is open.
    MemorySegment content = Native.view(tensor.address(), spec.type().bytes(elements));
    return new OutputRows(spec, dims, content, new long[0]);
  }

  /**
   * Whether the first dimension is the batch.
   *
   * @throws TritonException if it isn't
   */
  void checkRows(long rows) {
    if (dims.length == 0 || dims[0] != rows) {
      throw new TritonException(
          Code.INTERNAL,
          "output '%s' %s doesn't begin with the batch of %d"
              .formatted(spec.name(), Arrays.toString(dims), rows));
    }
  }

  /** Copies rows into a response. */
  void copyTo(Response response, long first, long count) {
    long[] shape = dims.clone();
    long row = elements(dims, 1);
    if (count != ALL) {
      shape[0] = count;
    }
    long elements = elements(shape, 0);
    if (spec.type() == ElementType.STRING) {
      var slice =
          new Strings.Slice(
              content, offsets, Math.toIntExact(first * row), Math.toIntExact(elements));
      Strings.write(response, spec.name(), shape, slice);
      return;
    }
    long bytes = spec.type().bytes(elements);
    int type = DataTypes.number(spec.type()).orElseThrow();
    response
        .output(spec.name(), type, shape, bytes)
        .copyFrom(content.asSlice(spec.type().bytes(first * row), bytes));
  }

  /** How many elements dimensions span, from one on. */
  static long elements(long[] dims, int from) {
    long elements = 1;
    for (int i = from; i < dims.length; i++) {
      elements = Math.multiplyExact(elements, dims[i]);
    }
    return elements;
  }
}
