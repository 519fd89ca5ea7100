package dev.warmgate.host.ort;

import static dev.warmgate.host.ffi.OrtCalls.STATUS_2;
import static dev.warmgate.host.ffi.OrtCalls.STATUS_3;
import static dev.warmgate.host.ffi.OrtCalls.STATUS_4;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.warmgate.host.ffi.Native;
import dev.warmgate.onnx.OnnxAttribute;
import dev.warmgate.onnx.OnnxNode;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * {@code OrtKernelInfo}: the node that a custom op's kernel is made for; valid during the upcall
 * that it came with.
 */
final class KernelInfo {
  private final OrtApi api;
  private final long info;

  KernelInfo(OrtApi api, long info) {
    this.api = api;
    this.info = info;
  }

  /** The node's name; it may be empty. */
  String name() {
    try (Arena arena = Arena.ofConfined()) {
      // SAFETY: ONNX Runtime writes the size, then as many bytes as that said; all of it is ours.
      MemorySegment size = arena.allocate(JAVA_LONG);
      MemorySegment function = api.function(OrtAbi.KERNEL_INFO_GET_NODE_NAME);
      api.check((long) STATUS_3.invokeExact(function, info, 0L, size.address()));
      MemorySegment text = arena.allocate(Math.max(size.get(JAVA_LONG, 0), 1));
      api.check((long) STATUS_3.invokeExact(function, info, text.address(), size.address()));
      return text.getString(0);
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  /**
   * The address of a constant input's elements; empty if it is none.
   *
   * @param input of the node
   */
  Optional<Long> constant(int input) {
    try (Arena arena = Arena.ofConfined()) {
      // SAFETY: ONNX Runtime writes an int and a pointer, and keeps the tensor for the kernel's
      // life.
      MemorySegment constant = arena.allocate(JAVA_INT);
      long out = arena.allocate(JAVA_LONG).address();
      api.check(
          (long)
              STATUS_4.invokeExact(
                  api.function(OrtAbi.KERNEL_INFO_GET_CONSTANT_INPUT_TENSOR),
                  info,
                  (long) input,
                  constant.address(),
                  out));
      long value = Native.pointer(out);
      return constant.get(JAVA_INT, 0) == 0 || value == 0
          ? Optional.empty()
          : Optional.of(api.tensorData(value, out));
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  /** Whether the node is one of a model's file: as many inputs, and the same attributes. */
  boolean is(OnnxNode node) {
    if (inputs() != node.inputs().size()) {
      return false;
    }
    for (Map.Entry<String, OnnxAttribute> attribute : node.attributes().entrySet()) {
      String name = attribute.getKey();
      boolean same =
          switch (attribute.getValue()) {
            case OnnxAttribute.Int(long value) -> integer(name).equals(Optional.of(value));
            case OnnxAttribute.Real(float value) -> real(name).equals(Optional.of(value));
            case OnnxAttribute.Text(String value) -> text(name).equals(Optional.of(value));
            case OnnxAttribute.Ints(List<Long> values) -> integers(name).equals(values);
            default -> true;
          };
      if (!same) {
        return false;
      }
    }
    return true;
  }

  private long inputs() {
    try (Arena arena = Arena.ofConfined()) {
      // SAFETY: ONNX Runtime writes one number.
      long out = arena.allocate(JAVA_LONG).address();
      api.check(
          (long) STATUS_2.invokeExact(api.function(OrtAbi.KERNEL_INFO_GET_INPUT_COUNT), info, out));
      return Native.pointer(out);
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  Optional<Long> integer(String name) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(JAVA_LONG);
      return read(OrtAbi.KERNEL_INFO_GET_ATTRIBUTE_INT64, name, value, arena)
          ? Optional.of(value.get(JAVA_LONG, 0))
          : Optional.empty();
    }
  }

  Optional<Float> real(String name) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(JAVA_FLOAT);
      return read(OrtAbi.KERNEL_INFO_GET_ATTRIBUTE_FLOAT, name, value, arena)
          ? Optional.of(value.get(JAVA_FLOAT, 0))
          : Optional.empty();
    }
  }

  Optional<String> text(String name) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = list(OrtAbi.KERNEL_INFO_GET_ATTRIBUTE_STRING, name, Byte.BYTES, arena);
      return bytes.byteSize() == 0 ? Optional.empty() : Optional.of(bytes.getString(0));
    }
  }

  /** An attribute that lists integers; empty if there is none. */
  List<Long> integers(String name) {
    try (Arena arena = Arena.ofConfined()) {
      int function = OrtAbi.KERNEL_INFO_GET_ATTRIBUTE_ARRAY_INT64;
      long[] values = list(function, name, Long.BYTES, arena).toArray(JAVA_LONG);
      return Arrays.stream(values).boxed().toList();
    }
  }

  /** Reads what has a size of its own: first the size, then as much. */
  private MemorySegment list(int function, String name, int elementBytes, Arena arena) {
    MemorySegment size = arena.allocate(JAVA_LONG);
    if (!read(function, name, MemorySegment.NULL, size, arena)) {
      return MemorySegment.NULL;
    }
    MemorySegment elements =
        arena.allocate(Math.multiplyExact(size.get(JAVA_LONG, 0), elementBytes), Long.BYTES);
    return read(function, name, elements, size, arena) ? elements : MemorySegment.NULL;
  }

  private boolean read(int function, String name, MemorySegment value, Arena arena) {
    try {
      // SAFETY: ONNX Runtime writes one number, for which the caller made room.
      api.check(
          (long)
              STATUS_3.invokeExact(
                  api.function(function),
                  info,
                  arena.allocateFrom(name).address(),
                  value.address()));
      return true;
    } catch (OrtCallException e) {
      return false;
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  private boolean read(
      int function, String name, MemorySegment values, MemorySegment size, Arena arena) {
    try {
      // SAFETY: ONNX Runtime writes as many elements as the size says, or the size alone.
      api.check(
          (long)
              STATUS_4.invokeExact(
                  api.function(function),
                  info,
                  arena.allocateFrom(name).address(),
                  values.address(),
                  size.address()));
      return true;
    } catch (OrtCallException e) {
      return false;
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }
}
