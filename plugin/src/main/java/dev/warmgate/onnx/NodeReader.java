package dev.warmgate.onnx;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Reads one {@code NodeProto} with its attributes. */
final class NodeReader {
  private final ProtoInput in;
  private final ExternalFiles files;
  private final Map<String, OnnxAttribute> attributes = new HashMap<>();

  NodeReader(ProtoInput in, ExternalFiles files) {
    this.in = in;
    this.files = files;
  }

  /** Reads the node's fields up to its end. */
  OnnxNode read() throws IOException {
    in.keep(4 * ProtoInput.ITEM_BYTES);
    String name = "";
    String opType = "";
    String domain = "";
    List<String> inputs = new ArrayList<>();
    List<String> outputs = new ArrayList<>();
    for (int tag = in.tag(); tag != 0; tag = in.tag()) {
      switch (tag) {
        case Wire.BYTES | 1 << 3 -> inputs.add(in.text());
        case Wire.BYTES | 2 << 3 -> outputs.add(in.text());
        case Wire.BYTES | 3 << 3 -> name = in.text();
        case Wire.BYTES | 4 << 3 -> opType = in.text();
        case Wire.BYTES | 5 << 3 -> in.message(() -> new Attribute().read());
        case Wire.BYTES | 7 << 3 -> domain = in.text();
        default -> in.skip(tag);
      }
    }
    return new OnnxNode(name, opType, domain, inputs, outputs, attributes);
  }

  /** One {@code AttributeProto}; its type says which of the value fields counts. */
  private final class Attribute {
    private static final int FLOAT = 1;
    private static final int INT = 2;
    private static final int STRING = 3;
    private static final int TENSOR = 4;
    private static final int GRAPH = 5;
    private static final int INTS = 7;
    private static final int GRAPHS = 10;

    private String name = "";
    private int type;
    private int seen;
    private float real;
    private long integer;
    private String text = "";
    private Initializer tensor;
    private final List<Long> integers = new ArrayList<>();
    private final List<OnnxGraph> graphs = new ArrayList<>();

    void read() throws IOException {
      in.keep(ProtoInput.ITEM_BYTES);
      for (int tag = in.tag(); tag != 0; tag = in.tag()) {
        switch (tag) {
          case Wire.BYTES | 1 << 3 -> name = in.text();
          case Wire.FIXED32 | 2 << 3 -> {
            real = in.float32();
            seen = FLOAT;
          }
          case Wire.VARINT | 3 << 3 -> {
            integer = in.int64();
            seen = INT;
          }
          case Wire.BYTES | 4 << 3 -> {
            text = in.shortText();
            seen = STRING;
          }
          case Wire.BYTES | 5 << 3 -> {
            in.message(() -> tensor = TensorReader.read(in, files));
            seen = TENSOR;
          }
          case Wire.BYTES | 6 << 3 -> {
            graph();
            seen = GRAPH;
          }
          case Wire.VARINT | 8 << 3 -> {
            integer();
            seen = INTS;
          }
          case Wire.BYTES | 8 << 3 -> {
            in.message(this::packedIntegers);
            seen = INTS;
          }
          case Wire.BYTES | 11 << 3 -> {
            graph();
            seen = GRAPHS;
          }
          case Wire.VARINT | 20 << 3 -> type = in.int32();
          default -> in.skip(tag);
        }
      }
      attributes.put(name, value());
    }

    private OnnxAttribute value() {
      return switch (type == 0 ? seen : type) {
        case FLOAT -> new OnnxAttribute.Real(real);
        case INT -> new OnnxAttribute.Int(integer);
        case STRING -> new OnnxAttribute.Text(text);
        case INTS -> new OnnxAttribute.Ints(integers);
        case GRAPH, GRAPHS -> new OnnxAttribute.Graphs(graphs);
        case TENSOR ->
            tensor == null ? new OnnxAttribute.Other() : new OnnxAttribute.Tensor(tensor);
        default -> new OnnxAttribute.Other();
      };
    }

    private void graph() throws IOException {
      var body = new GraphReader(in, files);
      in.message(body::graph);
      graphs.add(body.result());
    }

    private void integer() throws IOException {
      in.keep(ProtoInput.ITEM_BYTES);
      integers.add(in.int64());
    }

    private void packedIntegers() throws IOException {
      while (!in.atEnd()) {
        integer();
      }
    }
  }
}
