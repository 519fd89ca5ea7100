package dev.warmgate.onnx;

import dev.warmgate.onnx.proto.GraphProto;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Models of a node or two, to see what a host makes of types, shapes and failures. */
public final class SmallGraphs {
  private SmallGraphs() {}

  /** {@code y = x}, of any type, shape [rows, 2]. */
  public static void identity(Path file, ElementType type) throws IOException {
    var graph = GraphProto.newBuilder().setName("identity");
    graph.addInput(Protos.value("x", type, List.of("rows", 2L)));
    graph.addNode(Protos.node("Identity", "identity", "y", "x"));
    graph.addOutput(Protos.value("y", type, List.of("rows", 2L)));
    save(file, graph);
  }

  /** {@code y} = the row {@code index} of {@code table} [4, 2]; fails above 3. */
  public static void gather(Path file) throws IOException {
    var graph = GraphProto.newBuilder().setName("gather");
    graph.addInput(Protos.value("index", ElementType.INT64, List.of("rows")));
    graph.addInitializer(Protos.zeros("table", ElementType.FLOAT, 4, 2));
    graph.addNode(Protos.node("Gather", "gather", "y", "table", "index"));
    graph.addOutput(Protos.value("y", List.of("rows", 2L)));
    save(file, graph);
  }

  /** {@code y} = where {@code x} isn't zero: as many columns as there are. */
  public static void nonZero(Path file) throws IOException {
    var graph = GraphProto.newBuilder().setName("nonzero");
    graph.addInput(Protos.value("x", List.of("rows", 2L)));
    graph.addNode(Protos.node("NonZero", "nonzero", "y", "x"));
    graph.addOutput(Protos.value("y", ElementType.INT64, List.of(2L, "found")));
    save(file, graph);
  }

  /** {@code y = x + bias}, where bias may be left out; {@code z = x * x}. */
  public static void optional(Path file) throws IOException {
    var graph = GraphProto.newBuilder().setName("optional");
    graph.addInput(Protos.value("x", List.of("rows", 2L)));
    graph.addInput(Protos.value("bias", List.of(2L)));
    graph.addInitializer(Protos.zeros("bias", ElementType.FLOAT, 2));
    graph.addNode(Protos.node("Add", "add", "y", "x", "bias"));
    graph.addNode(Protos.node("Mul", "mul", "z", "x", "x"));
    graph.addOutput(Protos.value("y", List.of("rows", 2L)));
    graph.addOutput(Protos.value("z", List.of("rows", 2L)));
    save(file, graph);
  }

  /** {@code y = x}, which is one row of zeros where nobody brings it. */
  public static void defaulted(Path file) throws IOException {
    var graph = GraphProto.newBuilder().setName("defaulted");
    graph.addInput(Protos.value("x", List.of("rows", 2L)));
    graph.addInitializer(Protos.zeros("x", ElementType.FLOAT, 1, 2));
    graph.addNode(Protos.node("Identity", "identity", "y", "x"));
    graph.addOutput(Protos.value("y", List.of("rows", 2L)));
    save(file, graph);
  }

  /** {@code y} has twice the rows of {@code x}, though the graph says as many. */
  public static void liesAboutItsShape(Path file) throws IOException {
    var graph = GraphProto.newBuilder().setName("lies");
    graph.addInput(Protos.value("x", List.of("rows", "columns")));
    graph.addInput(Protos.value("repeats", ElementType.INT64, List.of(2L)));
    graph.addNode(Protos.node("Tile", "tile", "y", "x", "repeats"));
    graph.addOutput(Protos.value("y", List.of("rows", "columns")));
    save(file, graph);
  }

  /** {@code y = x} after {@code times} rounds of a matrix product with zeros. */
  public static void slow(Path file, int size) throws IOException {
    var body = GraphProto.newBuilder().setName("body");
    body.addInput(Protos.value("i", ElementType.INT64, List.of()));
    body.addInput(Protos.value("go", ElementType.BOOL, List.of()));
    body.addInput(Protos.value("state", List.of(1L, (long) size)));
    body.addNode(Protos.node("Identity", "on", "go_on", "go"));
    body.addNode(Protos.node("MatMul", "matmul", "product", "state", "matrix"));
    body.addNode(Protos.node("Add", "add", "next", "product", "state"));
    body.addOutput(Protos.value("go_on", ElementType.BOOL, List.of()));
    body.addOutput(Protos.value("next", List.of(1L, (long) size)));
    var graph = GraphProto.newBuilder().setName("slow");
    graph.addInput(Protos.value("x", List.of(1L, (long) size)));
    graph.addInput(Protos.value("times", ElementType.INT64, List.of(1L)));
    graph.addInitializer(Protos.zeros("matrix", ElementType.FLOAT, size, size));
    graph.addNode(
        Protos.node("Loop", "loop", "y", "times", "", "x")
            .addAttribute(Protos.attribute("body", body.build())));
    graph.addOutput(Protos.value("y", List.of(1L, (long) size)));
    save(file, graph);
  }

  private static void save(Path file, GraphProto.Builder graph) throws IOException {
    try (OutputStream out = Files.newOutputStream(file)) {
      Protos.model(graph).writeTo(out);
    }
  }
}
