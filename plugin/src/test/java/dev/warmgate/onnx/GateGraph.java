package dev.warmgate.onnx;

import static dev.warmgate.onnx.Protos.node;

import com.google.protobuf.ByteString;
import dev.warmgate.onnx.proto.GraphProto;
import dev.warmgate.onnx.proto.NodeProto;
import dev.warmgate.onnx.proto.TensorProto;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A model of one MoE layer: whatever makes its {@code logits} out of {@code x}. */
final class GateGraph {
  final int experts;
  final int hidden;
  private final List<TensorProto> tensors = new ArrayList<>();
  private final List<NodeProto> nodes = new ArrayList<>();
  private String moeInput = "x";

  GateGraph(int experts, int hidden) {
    this.experts = experts;
    this.hidden = hidden;
  }

  GateGraph add(TensorProto tensor) {
    tensors.add(tensor);
    return this;
  }

  GateGraph add(NodeProto.Builder node) {
    nodes.add(node.build());
    return this;
  }

  GateGraph moeInput(String value) {
    moeInput = value;
    return this;
  }

  /** The layer, as it is found in the file. */
  MoeLayer layer(Path file) throws IOException {
    var graph =
        GraphProto.newBuilder()
            .addInput(Protos.value("x", List.of("tokens", (long) hidden)))
            .addAllInitializer(tensors)
            .addInitializer(Protos.zeros("fc1", ElementType.FLOAT, experts, 2, hidden))
            .addInitializer(Protos.zeros("fc2", ElementType.FLOAT, experts, hidden, 2))
            .addAllNode(nodes)
            .addNode(
                node("MoE", "moe", "y", moeInput, "logits", "fc1", "", "fc2")
                    .setDomain(Protos.CONTRIB));
    Files.write(file, Protos.model(graph).toByteArray());
    return ModelInspection.of(OnnxModel.read(file)).layers().getFirst();
  }

  static TensorProto floats(String name, float[] values, long... dims) {
    return encoded(name, ElementType.FLOAT, values, dims);
  }

  /** A tensor of floats of some type, rounded as Java rounds, or cut off for bfloat16. */
  static TensorProto encoded(String name, ElementType type, float[] values, long... dims) {
    ByteBuffer bytes =
        ByteBuffer.allocate((int) type.bytes(values.length)).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : values) {
      switch (type) {
        case FLOAT -> bytes.putFloat(value);
        case DOUBLE -> bytes.putDouble(value);
        case FLOAT16 -> bytes.putShort(Float.floatToFloat16(value));
        case BFLOAT16 -> bytes.putShort((short) (Float.floatToRawIntBits(value) >> 16));
        default -> throw new IllegalArgumentException(type.text());
      }
    }
    return raw(name, type, bytes.array(), dims);
  }

  static TensorProto raw(String name, ElementType type, byte[] bytes, long... dims) {
    var tensor = TensorProto.newBuilder().setName(name).setDataType(type.code());
    for (long dim : dims) {
      tensor.addDims(dim);
    }
    return tensor.setRawData(ByteString.copyFrom(bytes)).build();
  }
}
