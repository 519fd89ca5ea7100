package dev.warmgate.benchmarks;

import com.google.protobuf.ByteString;
import dev.warmgate.onnx.proto.AttributeProto;
import dev.warmgate.onnx.proto.AttributeProto.AttributeType;
import dev.warmgate.onnx.proto.NodeProto;
import dev.warmgate.onnx.proto.TensorProto.DataType;
import dev.warmgate.onnx.proto.TensorShapeProto;
import dev.warmgate.onnx.proto.TensorShapeProto.Dimension;
import dev.warmgate.onnx.proto.TypeProto;
import dev.warmgate.onnx.proto.ValueInfoProto;
import java.util.List;

/** Parts of the graphs that benchmarks make. */
public final class OnnxProtos {
  /** The domain of ONNX Runtime's own operators. */
  public static final String CONTRIB = "com.microsoft";

  private OnnxProtos() {}

  /** An fp32 input or output of so many columns, a row for each token. */
  public static ValueInfoProto value(String name, int width) {
    var dims =
        TensorShapeProto.newBuilder()
            .addDim(Dimension.newBuilder().setDimParam("tokens"))
            .addDim(Dimension.newBuilder().setDimValue(width));
    var type = TypeProto.Tensor.newBuilder().setElemType(DataType.FLOAT_VALUE).setShape(dims);
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(TypeProto.newBuilder().setTensorType(type))
        .build();
  }

  /**
   * A node of experts with SwiGLU, whose selected experts' weights have the sum 1.
   *
   * @param op {@code MoE} or {@code QMoE}
   */
  public static NodeProto.Builder experts(
      String op, String name, int topK, List<String> inputs, String output) {
    return NodeProto.newBuilder()
        .setOpType(op)
        .setDomain(CONTRIB)
        .setName(name)
        .addAllInput(inputs)
        .addOutput(output)
        .addAttribute(attribute("k", topK))
        .addAttribute(attribute("normalize_routing_weights", 1))
        .addAttribute(attribute("swiglu_fusion", 1))
        .addAttribute(attribute("activation_alpha", 1f))
        .addAttribute(attribute("activation_beta", 0f))
        .addAttribute(attribute("activation_type", "swiglu"));
  }

  /** An integer attribute. */
  public static AttributeProto attribute(String name, long value) {
    return AttributeProto.newBuilder().setName(name).setType(AttributeType.INT).setI(value).build();
  }

  /** An fp32 attribute. */
  public static AttributeProto attribute(String name, float value) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeType.FLOAT)
        .setF(value)
        .build();
  }

  private static AttributeProto attribute(String name, String value) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeType.STRING)
        .setS(ByteString.copyFromUtf8(value))
        .build();
  }
}
