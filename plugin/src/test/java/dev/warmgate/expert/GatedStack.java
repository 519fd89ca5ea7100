package dev.warmgate.expert;

import dev.warmgate.config.WarmgateOptions;
import dev.warmgate.hwdetect.Plan;
import dev.warmgate.kernels.Activation;
import dev.warmgate.kernels.FfnShape;
import dev.warmgate.kernels.Team;
import dev.warmgate.kernels.Tier;
import dev.warmgate.routing.GateRule;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;

/** Layers with residuals and gates, as in a decoder: {@code x = x + 0.3 · MoE(norm(x))}. */
final class GatedStack {
  static final int EXPERTS = 12;
  private static final int HIDDEN = 24;

  final List<LayerFixture> layers = new ArrayList<>();
  private final List<Optional<GateMatrix>> gates = new ArrayList<>();

  GatedStack(Path folder, String name, int layerCount) throws IOException {
    Random random = new Random(5);
    for (int l = 0; l < layerCount; l++) {
      layers.add(
          new LayerFixture(
              folder.resolve(name + l),
              random,
              FfnShape.of(HIDDEN, 16, Activation.SILU),
              GateRule.moe(EXPERTS, 2, true),
              false,
              true));
      float[] weights = LayerFixture.values(random, EXPERTS * HIDDEN, 1);
      float[] norm = LayerFixture.values(random, HIDDEN, 0.2);
      for (int i = 0; i < HIDDEN; i++) {
        norm[i] += 1;
      }
      gates.add(Optional.of(new GateMatrix(EXPERTS, HIDDEN, weights, new float[EXPERTS], norm)));
    }
  }

  long expertBytes() {
    return layers.getFirst().expertBytes();
  }

  MoeModel open(Tier tier, long budget, String... options) throws IOException {
    Map<String, String> given = new HashMap<>();
    given.put("expert_memory", Long.toString(budget));
    given.put("warm_start", "off");
    for (int i = 0; i < options.length; i += 2) {
      given.put(options[i], options[i + 1]);
    }
    return MoeModel.open(
        Optional.empty(),
        layers.stream().map(layer -> layer.spec).toList(),
        gates,
        WarmgateOptions.parse(given),
        new Plan(tier, 2, 2, 1L << 40, 4096, 4096, 2, false, List.of()));
  }

  /** A step of some tokens through all layers. */
  float[] run(MoeModel model, Random random, int tokens) throws IOException {
    float[] x = LayerFixture.values(random, tokens * HIDDEN, 1);
    for (int l = 0; l < layers.size(); l++) {
      GateMatrix gate = gates.get(l).orElseThrow();
      float[] normed = new float[x.length];
      float[] logits = new float[tokens * EXPERTS];
      for (int t = 0; t < tokens; t++) {
        double squares = 0;
        for (int i = 0; i < HIDDEN; i++) {
          squares += x[t * HIDDEN + i] * x[t * HIDDEN + i];
        }
        float scale = (float) (1 / Math.sqrt(squares / HIDDEN));
        for (int i = 0; i < HIDDEN; i++) {
          normed[t * HIDDEN + i] = x[t * HIDDEN + i] * scale * gate.norm(i);
        }
        for (int e = 0; e < EXPERTS; e++) {
          for (int i = 0; i < HIDDEN; i++) {
            logits[t * EXPERTS + e] += normed[t * HIDDEN + i] * gate.weight(e, i);
          }
        }
      }
      float[] out = layers.get(l).run(model.layer(l), normed, logits, Team.caller());
      for (int i = 0; i < x.length; i++) {
        x[i] += 0.3f * out[i];
      }
    }
    return x;
  }
}
