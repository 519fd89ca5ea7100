package dev.warmgate.onnx;

import static dev.warmgate.onnx.Protos.attribute;
import static dev.warmgate.onnx.Protos.node;

import dev.warmgate.onnx.proto.GraphProto;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;

/**
 * Models whose gates and experts take normalised hidden states, as decoders' do: {@code x = x + 0.3
 * · MoE(norm(x))}, once for each layer. Embedded weights; silu; combine weights that sum to one.
 */
public final class NormedModels {
  private NormedModels() {}

  /** Writes a model of the sizes of {@code spec}; input and output are as there, of rank 2. */
  public static Path write(Path file, MoeModelSpec spec) throws IOException {
    Random random = new Random(spec.seed());
    List<Object> shape = List.of("tokens", (long) spec.hidden());
    var graph =
        GraphProto.newBuilder()
            .setName("normed")
            .addInput(Protos.value("hidden", shape))
            .addOutput(Protos.value("output", shape))
            .addInitializer(Protos.scalar("residual", 0.3f));
    int h = spec.hidden();
    String x = "hidden";
    for (int layer = 0; layer < spec.layers(); layer++) {
      String at = "layers." + layer + ".";
      float[] norm = values(random, h, 0.2);
      for (int i = 0; i < h; i++) {
        norm[i] += 1;
      }
      float[] gate = values(random, h * spec.experts(), 1.5 / Math.sqrt(h));
      float[] fc1 = values(random, spec.experts() * spec.inner() * h, 1 / Math.sqrt(h));
      float[] fc2 = values(random, spec.experts() * h * spec.inner(), 1 / Math.sqrt(spec.inner()));
      graph
          .addInitializer(GateGraph.floats(at + "norm", norm, h))
          .addInitializer(GateGraph.floats(at + "gate", gate, h, spec.experts()))
          .addInitializer(GateGraph.floats(at + "fc1", fc1, spec.experts(), spec.inner(), h))
          .addInitializer(GateGraph.floats(at + "fc2", fc2, spec.experts(), h, spec.inner()));
      String next = layer == spec.layers() - 1 ? "output" : at + "x";
      graph
          .addNode(
              node("SimplifiedLayerNormalization", at + "ln", at + "normed", x, at + "norm")
                  .addAttribute(attribute("epsilon", 1e-5f)))
          .addNode(node("MatMul", at + "router", at + "logits", at + "normed", at + "gate"))
          .addNode(
              node(
                      "MoE",
                      at + "moe",
                      at + "y",
                      at + "normed",
                      at + "logits",
                      at + "fc1",
                      "",
                      at + "fc2")
                  .setDomain(Protos.CONTRIB)
                  .addAttribute(attribute("k", spec.topK()))
                  .addAttribute(attribute("activation_type", "silu"))
                  .addAttribute(attribute("normalize_routing_weights", 1)))
          .addNode(node("Mul", at + "scale", at + "scaled", at + "y", "residual"))
          .addNode(node("Add", at + "add", next, x, at + "scaled"));
      x = next;
    }
    return Files.write(file, Protos.model(graph).toByteArray());
  }

  private static float[] values(Random random, int count, double scale) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (scale * random.nextGaussian());
    }
    return values;
  }
}
