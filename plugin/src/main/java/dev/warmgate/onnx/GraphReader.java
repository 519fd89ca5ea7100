package dev.warmgate.onnx;

import dev.warmgate.onnx.proto.TensorShapeProto;
import dev.warmgate.onnx.proto.TypeProto;
import dev.warmgate.onnx.proto.ValueInfoProto;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads one {@code GraphProto}, or the body of a {@code FunctionProto}. */
final class GraphReader {
  private final ProtoInput in;
  private final ExternalFiles files;

  private String name = "";
  private String domain = "";
  private final List<OnnxNode> nodes = new ArrayList<>();
  private final List<GraphValue> inputs = new ArrayList<>();
  private final List<GraphValue> outputs = new ArrayList<>();
  private final Map<String, Initializer> initializers = new LinkedHashMap<>();

  GraphReader(ProtoInput in, ExternalFiles files) {
    this.in = in;
    this.files = files;
  }

  /** Reads a graph's fields up to its end; a second graph adds to the first, as in protobuf. */
  void graph() throws IOException {
    for (int tag = in.tag(); tag != 0; tag = in.tag()) {
      switch (tag) {
        case Wire.BYTES | 1 << 3 -> in.message(this::node);
        case Wire.BYTES | 2 << 3 -> name = in.text();
        case Wire.BYTES | 5 << 3 -> in.message(this::initializer);
        case Wire.BYTES | 11 << 3 -> inputs.add(value());
        case Wire.BYTES | 12 << 3 -> outputs.add(value());
        default -> in.skip(tag);
      }
    }
  }

  /** Reads a function's fields up to its end; its inputs and outputs have no types. */
  void function() throws IOException {
    for (int tag = in.tag(); tag != 0; tag = in.tag()) {
      switch (tag) {
        case Wire.BYTES | 1 << 3 -> name = in.text();
        case Wire.BYTES | 4 << 3 -> inputs.add(untyped(in.text()));
        case Wire.BYTES | 5 << 3 -> outputs.add(untyped(in.text()));
        case Wire.BYTES | 7 << 3 -> in.message(this::node);
        case Wire.BYTES | 10 << 3 -> domain = in.text();
        default -> in.skip(tag);
      }
    }
    name = domain + "::" + name;
  }

  OnnxGraph result() {
    return new OnnxGraph(name, nodes, inputs, outputs, initializers);
  }

  private void initializer() throws IOException {
    Initializer tensor = TensorReader.read(in, files);
    initializers.put(tensor.name(), tensor);
  }

  private void node() throws IOException {
    OnnxNode node = new NodeReader(in, files).read();
    nodes.add(node);
    // ONNX Runtime makes initializers of such nodes when it loads a model.
    if (node.is("Constant")
        && node.outputs().size() == 1
        && node.attributes().get("value") instanceof OnnxAttribute.Tensor(Initializer tensor)) {
      String output = node.outputs().getFirst();
      initializers.put(
          output, new Initializer(output, tensor.type(), tensor.dims(), tensor.location()));
    }
  }

  private GraphValue value() throws IOException {
    ValueInfoProto info = ValueInfoProto.parseFrom(in.bytes());
    TypeProto type = info.getType();
    if (!type.hasTensorType()) {
      return untyped(info.getName());
    }
    List<GraphValue.Dim> dims = new ArrayList<>();
    for (TensorShapeProto.Dimension dim : type.getTensorType().getShape().getDimList()) {
      in.keep(ProtoInput.ITEM_BYTES);
      dims.add(
          dim.hasDimValue()
              ? new GraphValue.Fixed(dim.getDimValue())
              : new GraphValue.Symbolic(dim.getDimParam()));
    }
    return new GraphValue(info.getName(), ElementType.of(type.getTensorType().getElemType()), dims);
  }

  private static GraphValue untyped(String name) {
    return new GraphValue(name, ElementType.UNKNOWN, List.of());
  }
}
