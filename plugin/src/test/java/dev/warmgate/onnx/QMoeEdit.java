package dev.warmgate.onnx;

import com.google.protobuf.ByteString;
import dev.warmgate.onnx.proto.GraphProto;
import dev.warmgate.onnx.proto.NodeProto;
import dev.warmgate.onnx.proto.TensorProto;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Consumer;

/** A change to a model of {@link QMoeModels}, which makes another of it than that writes. */
public final class QMoeEdit {
  /** No change. */
  public static final QMoeEdit NONE = new QMoeEdit(_ -> {});

  private final Consumer<GraphProto.Builder> change;

  private QMoeEdit(Consumer<GraphProto.Builder> change) {
    this.change = change;
  }

  void apply(GraphProto.Builder graph) {
    change.accept(graph);
  }

  /** This one, then another. */
  public QMoeEdit andThen(QMoeEdit next) {
    return new QMoeEdit(change.andThen(next.change));
  }

  /** Sets an integer attribute of all MoE nodes. */
  public static QMoeEdit attribute(String name, long value) {
    return nodes(
        node -> {
          remove(node, name);
          node.addAttribute(Protos.attribute(name, value));
        });
  }

  /** Sets a string attribute of all MoE nodes. */
  public static QMoeEdit attribute(String name, String value) {
    return nodes(
        node -> {
          remove(node, name);
          node.addAttribute(Protos.attribute(name, value));
        });
  }

  /** Takes an attribute of all MoE nodes away. */
  public static QMoeEdit without(String name) {
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
  public static QMoeEdit input(int index, String value) {
    return nodes(
        node -> {
          while (node.getInputCount() <= index) {
            node.addInput("");
          }
          node.setInput(index, value);
        });
  }

  /** Gives all tensors whose names end so other dimensions, and zeros for elements. */
  public static QMoeEdit zeros(String suffix, long... dims) {
    return tensors(
        suffix,
        tensor -> {
          TensorProto zeros =
              Protos.zeros(tensor.getName(), ElementType.of(tensor.getDataType()), dims);
          tensor.clear().mergeFrom(zeros);
        });
  }

  /** Gives all tensors whose names end so other dimensions; their elements stay. */
  public static QMoeEdit dims(String suffix, long... dims) {
    return tensors(
        suffix,
        tensor -> {
          tensor.clearDims();
          for (long dim : dims) {
            tensor.addDims(dim);
          }
        });
  }

  /** Makes fp16 of all fp32 tensors whose names end so, and the other way round. */
  public static QMoeEdit recode(String suffix) {
    return tensors(suffix, QMoeEdit::recode);
  }

  private static void recode(TensorProto.Builder tensor) {
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

  private static QMoeEdit nodes(Consumer<NodeProto.Builder> change) {
    return new QMoeEdit(
        graph ->
            graph.getNodeBuilderList().stream()
                .filter(node -> node.getOpType().equals("QMoE") || node.getOpType().equals("MoE"))
                .forEach(change));
  }

  private static QMoeEdit tensors(String suffix, Consumer<TensorProto.Builder> change) {
    return new QMoeEdit(
        graph ->
            graph.getInitializerBuilderList().stream()
                .filter(tensor -> tensor.getName().endsWith(suffix))
                .forEach(change));
  }
}
