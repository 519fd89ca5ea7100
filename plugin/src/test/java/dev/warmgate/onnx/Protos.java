package dev.warmgate.onnx;

import com.google.protobuf.ByteString;
import dev.warmgate.onnx.proto.AttributeProto;
import dev.warmgate.onnx.proto.AttributeProto.AttributeType;
import dev.warmgate.onnx.proto.GraphProto;
import dev.warmgate.onnx.proto.ModelProto;
import dev.warmgate.onnx.proto.NodeProto;
import dev.warmgate.onnx.proto.OperatorSetIdProto;
import dev.warmgate.onnx.proto.TensorProto;
import dev.warmgate.onnx.proto.TensorShapeProto;
import dev.warmgate.onnx.proto.TensorShapeProto.Dimension;
import dev.warmgate.onnx.proto.TypeProto;
import dev.warmgate.onnx.proto.ValueInfoProto;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;

/** Short names for building ONNX messages. */
final class Protos {
  static final String CONTRIB = "com.microsoft";

  private Protos() {}

  static ModelProto model(GraphProto.Builder graph) {
    return ModelProto.newBuilder()
        .setIrVersion(8)
        .setProducerName("warmgate-test")
        .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("").setVersion(17))
        .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain(CONTRIB).setVersion(1))
        .setGraph(graph)
        .build();
  }

  /** A node of ONNX's own set; its only output is {@code output}. */
  static NodeProto.Builder node(String op, String name, String output, String... inputs) {
    return NodeProto.newBuilder()
        .setOpType(op)
        .setName(name)
        .addAllInput(Arrays.asList(inputs))
        .addOutput(output);
  }

  static AttributeProto attribute(String name, long value) {
    return AttributeProto.newBuilder().setName(name).setType(AttributeType.INT).setI(value).build();
  }

  static AttributeProto attribute(String name, float value) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeType.FLOAT)
        .setF(value)
        .build();
  }

  static AttributeProto attribute(String name, String value) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeType.STRING)
        .setS(ByteString.copyFromUtf8(value))
        .build();
  }

  static AttributeProto attribute(String name, GraphProto body) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeType.GRAPH)
        .setG(body)
        .build();
  }

  /** A tensor of zeros, its bytes embedded. */
  static TensorProto zeros(String name, ElementType type, long... dims) {
    var tensor = TensorProto.newBuilder().setName(name).setDataType(type.code());
    long elements = 1;
    for (long dim : dims) {
      tensor.addDims(dim);
      elements *= dim;
    }
    return tensor.setRawData(ByteString.copyFrom(new byte[(int) type.bytes(elements)])).build();
  }

  static TensorProto int64s(String name, long... values) {
    ByteBuffer bytes = ByteBuffer.allocate(8 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    Arrays.stream(values).forEach(bytes::putLong);
    return TensorProto.newBuilder()
        .setName(name)
        .setDataType(ElementType.INT64.code())
        .addDims(values.length)
        .setRawData(ByteString.copyFrom(bytes.array()))
        .build();
  }

  static TensorProto scalar(String name, float value) {
    return scalar(name, ElementType.FLOAT, value);
  }

  /** A scalar of type {@code FLOAT} or {@code FLOAT16}. */
  static TensorProto scalar(String name, ElementType type, float value) {
    ByteBuffer bytes = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
    if (type == ElementType.FLOAT16) {
      bytes.putShort(Float.floatToFloat16(value));
    } else {
      bytes.putFloat(value);
    }
    return TensorProto.newBuilder()
        .setName(name)
        .setDataType(type.code())
        .setRawData(ByteString.copyFrom(bytes.flip()))
        .build();
  }

  /** A float input or output; each of {@code dims} is a Long, or a String for a symbolic one. */
  static ValueInfoProto value(String name, List<?> dims) {
    return value(name, ElementType.FLOAT, dims);
  }

  /** The same for any type of elements. */
  static ValueInfoProto value(String name, ElementType type, List<?> dims) {
    var shape = TensorShapeProto.newBuilder();
    for (Object dim : dims) {
      shape.addDim(
          dim instanceof Long size
              ? Dimension.newBuilder().setDimValue(size)
              : Dimension.newBuilder().setDimParam(dim.toString()));
    }
    var tensor = TypeProto.Tensor.newBuilder().setElemType(type.code()).setShape(shape);
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(TypeProto.newBuilder().setTensorType(tensor))
        .build();
  }
}
