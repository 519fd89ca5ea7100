package dev.warmgate.onnx;

import com.google.protobuf.ByteString;
import dev.warmgate.onnx.proto.GraphProto;
import dev.warmgate.onnx.proto.NodeProto;
import dev.warmgate.onnx.proto.TensorProto;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Consumer;

/** Changes to models of {@link QMoeModels}, which make others of them than it writes. */
public final class QMoeEdits {
  private QMoeEdits() {}

  /** Sets an integer attribute of all MoE nodes. */
  public static Consumer<GraphProto.Builder> attribute(String name, long value) {
    return nodes(
        node -> {
          remove(node, name);
          node.addAttribute(Protos.attribute(name, value));
        });
  }

  /** Sets a string attribute of all MoE nodes. */
  public static Consumer<GraphProto.Builder> attribute(String name, String value) {
    return nodes(
        node -> {
          remove(node, name);
          node.addAttribute(Protos.attribute(name, value));
        });
  }

  /** Takes an attribute of all MoE nodes away. */
  public static Consumer<GraphProto.Builder> without(String name) {
    return nodes(node -> remove(node, name));
  }

  private static void remove(NodeProto.Builder node, String attribute) {
    for (int i = node.getAttributeCount() - 1; i >= 0; i--) {
      if (node.getAttribute(i).getName().equals(attribute)) {
        node.removeAttribute(i);
      }
    }
  }

  /** Names another input of all MoE nodes; none if the name is empty. */
  public static Consumer<GraphProto.Builder> input(int index, String value) {
    return nodes(
        node -> {
          while (node.getInputCount() <= index) {
            node.addInput("");
          }
          node.setInput(index, value);
        });
  }

  private static Consumer<GraphProto.Builder> nodes(Consumer<NodeProto.Builder> change) {
    return graph ->
        graph.getNodeBuilderList().stream()
            .filter(node -> node.getOpType().equals("QMoE") || node.getOpType().equals("MoE"))
            .forEach(change);
  }

  /** Changes all tensors whose names end so. */
  public static Consumer<GraphProto.Builder> tensors(
      String suffix, Consumer<TensorProto.Builder> change) {
    return graph ->
        graph.getInitializerBuilderList().stream()
            .filter(tensor -> tensor.getName().endsWith(suffix))
            .forEach(change);
  }

  /** Gives a tensor other dimensions, and zeros for elements. */
  public static Consumer<TensorProto.Builder> zeros(long... dims) {
    return tensor -> {
      TensorProto zeros =
          Protos.zeros(tensor.getName(), ElementType.of(tensor.getDataType()), dims);
      tensor.clear().mergeFrom(zeros);
    };
  }

  /** Gives a tensor other dimensions; its elements stay. */
  public static Consumer<TensorProto.Builder> dims(long... dims) {
    return tensor -> {
      tensor.clearDims();
      for (long dim : dims) {
        tensor.addDims(dim);
      }
    };
  }

  /** Makes fp16 of an fp32 tensor, and the other way round. */
  public static void recode(TensorProto.Builder tensor) {
    ByteBuffer from = tensor.getRawData().asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer to = ByteBuffer.allocate(2 * from.remaining()).order(ByteOrder.LITTLE_ENDIAN);
    boolean half = tensor.getDataType() == ElementType.FLOAT16.code();
    while (from.hasRemaining()) {
      if (half) {
        to.putFloat(Float.float16ToFloat(from.getShort()));
      } else {
        to.putShort(Float.floatToFloat16(from.getFloat()));
      }
    }
    tensor
        .setRawData(ByteString.copyFrom(to.flip()))
        .setDataType((half ? ElementType.FLOAT : ElementType.FLOAT16).code());
  }
}
