package dev.warmgate.host.triton;

import dev.warmgate.host.session.Tensor;
import dev.warmgate.host.session.TensorSpec;
import dev.warmgate.kernels.NativeMemory;
import dev.warmgate.onnx.ElementType;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Inputs for a session. A request that runs alone is read where Triton has it; those of several are
 * copied together.
 */
final class InputTensors {
  private InputTensors() {}

  /**
   * The inputs of requests that agree in all but the batch dimension, side by side in that.
   *
   * @param open gets what must stay open until the run is over, and be closed in this order
   */
  static Map<String, Tensor> feed(
      List<TensorSpec> specs, List<Request> group, List<AutoCloseable> open) {
    Map<String, Tensor> fed = new LinkedHashMap<>();
    for (TensorSpec spec : specs) {
      Request.Input first = group.getFirst().inputs().get(spec.name());
      if (first != null) {
        List<Request.Input> parts =
            group.size() == 1
                ? List.of(first)
                : group.stream().map(request -> request.inputs().get(spec.name())).toList();
        Tensor tensor = tensor(spec, parts, open);
        open.addFirst(tensor);
        fed.put(spec.name(), tensor);
      } else if (!spec.optional()) {
        throw TritonException.invalid("input '%s' is missing", spec.name());
      }
    }
    return fed;
  }

  private static Tensor tensor(
      TensorSpec spec, List<Request.Input> parts, List<AutoCloseable> open) {
    long[] dims = parts.getFirst().dims().clone();
    for (Request.Input part : parts.subList(1, parts.size())) {
      dims[0] = Math.addExact(dims[0], part.dims()[0]);
    }
    if (spec.type() == ElementType.STRING) {
      List<MemorySegment> strings = new ArrayList<>();
      for (Request.Input part : parts) {
        MemorySegment content = contiguous(List.of(part), open);
        strings.addAll(Strings.split(part.name(), content, part.elements()));
      }
      return Strings.tensor(dims, strings);
    }
    for (Request.Input part : parts) {
      long bytes = spec.type().bytes(part.elements());
      if (DataTypes.of(part.type()) != spec.type() || part.bytes() != bytes) {
        throw TritonException.invalid(
            "input '%s' has %d bytes of %s; a shape of %s takes %d of %s",
            part.name(),
            part.bytes(),
            DataTypes.of(part.type()).text(),
            Arrays.toString(part.dims()),
            bytes,
            spec.type().text());
      }
    }
    MemorySegment content = contiguous(parts, open);
    return Tensor.over(content.address(), content.byteSize(), spec.type(), dims);
  }

  /** The content in one piece: where Triton has it if it is in one, else a copy. */
  private static MemorySegment contiguous(List<Request.Input> parts, List<AutoCloseable> open) {
    if (parts.size() == 1 && parts.getFirst().buffers() == 1) {
      return parts.getFirst().buffer(0);
    }
    long bytes = parts.stream().mapToLong(Request.Input::bytes).sum();
    NativeMemory.Block block = NativeMemory.allocate(Math.max(bytes, 1));
    open.add(block);
    long at = 0;
    for (Request.Input part : parts) {
      part.copyTo(block.memory().asSlice(at, part.bytes()));
      at += part.bytes();
    }
    return block.memory().asSlice(0, bytes);
  }
}
