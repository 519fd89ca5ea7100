package dev.warmgate.cli;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A run's outputs as values on the Java heap, which outlive their session. */
final class Outputs {
  private Outputs() {}

  /**
   * One tensor.
   *
   * @param bytes of its elements in native order, to be read only
   */
  record Output(OnnxJavaType type, List<Long> shape, ByteBuffer bytes) {
    int count() {
      return bytes.capacity() / type.size;
    }

    /** A view of its own, in native order. */
    ByteBuffer buffer() {
      return bytes.duplicate().order(ByteOrder.nativeOrder());
    }
  }

  /**
   * Copies all outputs.
   *
   * @throws IllegalArgumentException if one is no tensor of numbers; the message names it
   */
  static Map<String, Output> copy(OrtSession.Result result) {
    Map<String, Output> outputs = new LinkedHashMap<>();
    for (Map.Entry<String, OnnxValue> entry : result) {
      if (!(entry.getValue() instanceof OnnxTensor tensor)
          || !Elements.fixedSize(tensor.getInfo().type)) {
        throw new IllegalArgumentException(
            "output "
                + entry.getKey()
                + " is "
                + entry.getValue().getInfo()
                + ", not a tensor of numbers");
      }
      TensorInfo info = tensor.getInfo();
      outputs.put(
          entry.getKey(),
          new Output(
              info.type, Arrays.stream(info.getShape()).boxed().toList(), tensor.getByteBuffer()));
    }
    return outputs;
  }
}
