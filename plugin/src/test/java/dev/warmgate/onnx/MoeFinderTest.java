package dev.warmgate.onnx;

import static dev.warmgate.onnx.Protos.attribute;
import static dev.warmgate.onnx.Protos.node;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warmgate.onnx.ExpertTensor.Role;
import dev.warmgate.onnx.MoeModelSpec.Activation;
import dev.warmgate.onnx.MoeModelSpec.Router;
import dev.warmgate.onnx.proto.AttributeProto;
import dev.warmgate.onnx.proto.FunctionProto;
import dev.warmgate.onnx.proto.GraphProto;
import dev.warmgate.onnx.proto.ModelProto;
import dev.warmgate.onnx.proto.NodeProto;
import dev.warmgate.onnx.proto.TensorProto;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is found of MoE nodes, and what is said of those that can't be served. */
class MoeFinderTest {
  private static final ElementType FP32 = ElementType.FLOAT;

  @TempDir Path folder;

  @Test
  void layersOfAGeneratedModel() throws IOException {
    MoeModelSpec spec =
        MoeModelSpec.small()
            .withLayers(2)
            .withBias(true)
            .withNormalize(true)
            .withRouter(Router.MATMUL_BIAS)
            .withRank(3)
            .withActivation(Activation.SWIGLU_INTERLEAVED)
            .withSwiglu(1.702f, 1, 7);
    OnnxModel model = OnnxModel.read(MoeModels.write(folder.resolve("m.onnx"), spec));
    assertEquals(List.of("hidden"), model.graph().feeds().stream().map(GraphValue::name).toList());
    ModelInspection found = ModelInspection.of(model);
    assertEquals(List.of(), found.unsupported());
    assertEquals(2, found.layers().size());
    MoeLayer layer = found.layers().get(1);
    assertEquals("/model/layers.1/moe/MoE", layer.name());
    assertEquals("MoE", layer.op());
    assertEquals(List.of(), layer.scope());
    assertEquals(8, layer.experts());
    assertEquals(2, layer.topK());
    assertEquals(16, layer.hidden());
    assertEquals(12, layer.inner());
    assertTrue(layer.normalize());
    assertEquals("fp32", layer.format().text());
    assertEquals("swiglu interleaved alpha=1.702 beta=1 limit=7", layer.activation().text());
    assertEquals("/model/layers.1/moe/router.weight", layer.gate().text());
    assertEquals(4 * (24 * 16 + 24 + 16 * 12 + 16), layer.bytesPerExpert());
    assertEquals(2 * 8 * layer.bytesPerExpert(), found.expertBytesTotal());
    assertEquals(
        List.of(Role.FC1_WEIGHTS, Role.FC1_BIAS, Role.FC2_WEIGHTS, Role.FC2_BIAS),
        layer.tensors().stream().map(ExpertTensor::role).toList());
    assertEquals(4 * 24 * 16, layer.tensor(Role.FC1_WEIGHTS).orElseThrow().stride());
  }

  @Test
  void halvesAndAGateThatIsAnInput() throws IOException {
    MoeModelSpec spec =
        MoeModelSpec.small().withRouter(Router.INPUT).withActivation(Activation.SWIGLU_HALVES);
    MoeLayer layer = only(OnnxModel.read(MoeModels.write(folder.resolve("m.onnx"), spec)));
    assertEquals("swiglu halves alpha=1.702 beta=1", layer.activation().text());
    assertEquals(
        "not found: the gate logits come from the graph input router.0", layer.gate().text());
  }

  @Test
  void quantisedLayers() throws IOException {
    MoeLayer layer =
        only(
            read(
                qmoe()
                    .with(2, Protos.zeros("w1", ElementType.UINT8, 4, 34, 32))
                    .with(3, Protos.zeros("s1", FP32, 4, 34, 2))
                    .with(5, Protos.zeros("w2", ElementType.UINT8, 4, 64, 17))
                    .with(6, Protos.zeros("s2", FP32, 4, 64, 2))
                    .with(11, Protos.zeros("z1", ElementType.UINT8, 4, 34, 1))
                    .with(12, Protos.zeros("z2", ElementType.UINT8, 4, 64, 1))
                    .set(attribute("block_size", 32))));
    assertEquals("QMoE", layer.op());
    assertEquals(64, layer.hidden());
    assertEquals(34, layer.inner());
    assertEquals("int4 block 32, zero points", layer.format().text());
    assertEquals(34 * 32 + 34 * 2 * 4 + 34 + 64 * 17 + 64 * 2 * 4 + 64, layer.bytesPerExpert());
    assertEquals(
        List.of(
            Role.FC1_WEIGHTS,
            Role.FC1_SCALES,
            Role.FC1_ZERO_POINTS,
            Role.FC2_WEIGHTS,
            Role.FC2_SCALES,
            Role.FC2_ZERO_POINTS),
        layer.tensors().stream().map(ExpertTensor::role).toList());

    MoeLayer rows =
        only(
            read(
                qmoe()
                    .with(2, Protos.zeros("w1", ElementType.UINT8, 4, 64, 64))
                    .with(3, Protos.zeros("s1", ElementType.FLOAT16, 4, 64))
                    .with(4, Protos.zeros("b1", FP32, 4, 64))
                    .with(5, Protos.zeros("w2", ElementType.UINT8, 4, 64, 32))
                    .with(6, Protos.zeros("s2", ElementType.FLOAT16, 4, 64))
                    .set(attribute("expert_weight_bits", 8))
                    .set(attribute("activation_type", "swiglu"))
                    .set(attribute("swiglu_fusion", 1))));
    assertEquals("int8 per row", rows.format().text());
    assertEquals(32, rows.inner());
  }

  @Test
  void halfPrecision() throws IOException {
    MoeLayer layer =
        only(
            read(
                moe()
                    .with(2, Protos.zeros("w1", ElementType.FLOAT16, 4, 5, 6))
                    .with(4, Protos.zeros("w2", ElementType.FLOAT16, 4, 6, 5))));
    assertEquals("fp16", layer.format().text());
    assertEquals(2 * (5 * 6 + 6 * 5), layer.bytesPerExpert());
  }

  @Test
  void unsupportedNodes() throws IOException {
    assertRefused("k=0 of 4 experts", moe().set(attribute("k", 0)));
    assertRefused("k=5 of 4 experts", moe().set(attribute("k", 5)));
    assertRefused(
        "use_sparse_mixer with k=1, which must be 2", moe().set(attribute("use_sparse_mixer", 1)));
    assertRefused("activation_type 'Relu'", moe().set(attribute("activation_type", "Relu")));
    assertRefused(
        "swiglu_fusion=0: gate and linear part in two matrices",
        moe().set(attribute("activation_type", "swiglu")));
    assertRefused(
        "swiglu_limit=-1.0 is not a limit",
        moe()
            .set(attribute("activation_type", "swiglu"))
            .set(attribute("swiglu_fusion", 1))
            .set(attribute("swiglu_limit", -1f)));
    assertRefused(
        "a third matrix per expert (fc3)", moe().with(6, Protos.zeros("w3", FP32, 4, 5, 6)));
    assertRefused("fc1_weights nowhere is not a constant", moe().named(2, "nowhere"));
    assertRefused("no fc2_weights", moe().named(4, ""));
    assertRefused(
        "fc1_weights w1 [4,6,5] and fc2_weights w2 [4,5,6] are in the older order of dimensions",
        moe()
            .with(2, Protos.zeros("w1", FP32, 4, 6, 5))
            .with(4, Protos.zeros("w2", FP32, 4, 5, 6)));
    assertRefused(
        "fc1_weights w1 [4,7,6] and fc2_weights w2 [4,6,5] don't fit each other",
        moe().with(2, Protos.zeros("w1", FP32, 4, 7, 6)));
    assertRefused(
        "w1 [4,30] should have 3 dimensions", moe().with(2, Protos.zeros("w1", FP32, 4, 30)));
    assertRefused(
        "w1 [4,0,6] has an impossible size", moe().with(2, Protos.zeros("w1", FP32, 4, 0, 6)));
    assertRefused(
        "w2 [4,6,5] is of type fp16",
        moe().with(4, Protos.zeros("w2", ElementType.FLOAT16, 4, 6, 5)));
    assertRefused("b1 [4,6] should be [4,5]", moe().with(3, Protos.zeros("b1", FP32, 4, 6)));
    var encoded = TensorProto.newBuilder().setName("b1").setDataType(1).addDims(4).addDims(5);
    for (int i = 0; i < 20; i++) {
      encoded.addInt32Data(i);
    }
    assertRefused(
        "b1 [4,5] is stored as int32_data, not as raw bytes", moe().with(3, encoded.build()));
    assertRefused("expert_weight_bits=3", qmoe().set(attribute("expert_weight_bits", 3)));
    assertRefused("block_size=24", qmoe().set(attribute("block_size", 24)));
    assertRefused("quant_type 'fp4'", qmoe().set(attribute("quant_type", "fp4")));
    assertRefused("input 14 r is a constant", qmoe().with(14, Protos.zeros("r", FP32, 1, 4)));
    assertRefused("s1 [4,31] should be [4,32]", qmoe().with(3, Protos.zeros("s1", FP32, 4, 31)));
  }

  @Test
  void overridableInitializersAreNotConstant() throws IOException {
    Sketch sketch = moe();
    sketch.graph.addInput(Protos.value("w1", List.of(4L, 5L, 6L)));
    assertRefused("fc1_weights w1 is not a constant", sketch);
    ModelProto old = Protos.model(sketch.finish().toBuilder()).toBuilder().setIrVersion(3).build();
    Path file = Files.write(folder.resolve("old.onnx"), old.toByteArray());
    assertEquals(1, ModelInspection.of(OnnxModel.read(file)).layers().size());
  }

  @Test
  void insideControlFlowAndFunctions() throws IOException {
    GraphProto main = moe().finish();
    var body = GraphProto.newBuilder().setName("body").addAllNode(main.getNodeList());
    var graph = GraphProto.newBuilder().addAllInitializer(main.getInitializerList());
    graph.addAllInput(main.getInputList());
    graph.addNode(
        node("If", "outer", "z", "c").addAttribute(attribute("then_branch", body.build())));
    MoeLayer layer = only(read(graph.build()));
    assertEquals(List.of("outer.then_branch"), layer.scope());
    assertEquals(
        "not found: the gate logits come from the graph input logits", layer.gate().text());

    ModelProto function =
        Protos.model(GraphProto.newBuilder()).toBuilder()
            .addFunctions(
                FunctionProto.newBuilder()
                    .setDomain("own")
                    .setName("f")
                    .addAllNode(main.getNodeList()))
            .build();
    Path file = Files.write(folder.resolve("f.onnx"), function.toByteArray());
    assertEquals(
        List.of(new Unsupported("moe", "it is inside the model's own function own::f")),
        ModelInspection.of(OnnxModel.read(file)).unsupported());
  }

  @Test
  void denseExports() throws IOException {
    var graph = GraphProto.newBuilder();
    graph.addInitializer(Protos.zeros("gate", FP32, 6, 4)).addInitializer(Protos.int64s("two", 2));
    graph.addNode(node("MatMul", "", "logits", "x", "gate"));
    graph.addNode(node("Softmax", "", "p", "logits"));
    graph.addNode(node("TopK", "/layers.0/TopK", "values", "p", "two").addOutput("ids"));
    var plain = graph.clone();
    graph.addNode(node("OneHot", "", "mask", "ids", "four", "v"));
    ModelInspection dense = ModelInspection.of(read(graph.build()));
    assertEquals("/layers.0/TopK", dense.unsupported().getFirst().node());
    assertTrue(dense.unsupported().getFirst().reason().contains("dense export"));
    // A sampler also takes the best of a matrix's scores, and makes no mask of them.
    plain.addNode(node("Gather", "", "picked", "ids", "r"));
    assertEquals(List.of(), ModelInspection.of(read(plain.build())).unsupported());
  }

  private void assertRefused(String reason, Sketch sketch) throws IOException {
    ModelInspection found = ModelInspection.of(read(sketch));
    assertEquals(List.of(), found.layers(), reason);
    assertEquals(List.of("moe"), found.unsupported().stream().map(Unsupported::node).toList());
    String actual = found.unsupported().getFirst().reason();
    assertTrue(actual.contains(reason), actual);
  }

  private static MoeLayer only(OnnxModel model) {
    ModelInspection found = ModelInspection.of(model);
    assertEquals(List.of(), found.unsupported());
    assertEquals(1, found.layers().size());
    return found.layers().getFirst();
  }

  private OnnxModel read(Sketch sketch) throws IOException {
    return read(sketch.finish());
  }

  private OnnxModel read(GraphProto graph) throws IOException {
    ModelProto model = Protos.model(graph.toBuilder());
    return OnnxModel.read(Files.write(folder.resolve("sketch.onnx"), model.toByteArray()));
  }

  /** 4 experts, hidden 6, inner 5, relu. */
  private static Sketch moe() {
    return new Sketch("MoE")
        .with(2, Protos.zeros("w1", FP32, 4, 5, 6))
        .with(4, Protos.zeros("w2", FP32, 4, 6, 5));
  }

  /** 4 experts, hidden 64, inner 32, relu, int4, a scale per row. */
  private static Sketch qmoe() {
    return new Sketch("QMoE")
        .with(2, Protos.zeros("w1", ElementType.UINT8, 4, 32, 32))
        .with(3, Protos.zeros("s1", FP32, 4, 32))
        .with(5, Protos.zeros("w2", ElementType.UINT8, 4, 64, 16))
        .with(6, Protos.zeros("s2", FP32, 4, 64));
  }

  /** A graph of one MoE node, built input by input; a later tensor replaces an earlier one. */
  private static final class Sketch {
    private final GraphProto.Builder graph = GraphProto.newBuilder();
    private final List<AttributeProto> attributes = new ArrayList<>();
    private final List<String> inputs = new ArrayList<>(List.of("x", "logits"));
    private final String op;

    Sketch(String op) {
      this.op = op;
      graph.addInput(Protos.value("x", List.of("tokens", op.equals("MoE") ? 6L : 64L)));
      graph.addInput(Protos.value("logits", List.of("tokens", 4L)));
    }

    Sketch with(int input, TensorProto tensor) {
      for (int i = 0; i < graph.getInitializerCount(); i++) {
        if (graph.getInitializer(i).getName().equals(tensor.getName())) {
          graph.removeInitializer(i);
        }
      }
      graph.addInitializer(tensor);
      return named(input, tensor.getName());
    }

    Sketch named(int input, String name) {
      while (inputs.size() <= input) {
        inputs.add("");
      }
      inputs.set(input, name);
      return this;
    }

    Sketch set(AttributeProto attribute) {
      attributes.add(attribute);
      return this;
    }

    GraphProto finish() {
      NodeProto.Builder moe =
          node(op, "moe", "y", inputs.toArray(String[]::new))
              .setDomain(Protos.CONTRIB)
              .addAllAttribute(attributes);
      return graph.clone().addNode(moe).build();
    }
  }
}
