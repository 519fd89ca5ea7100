package dev.warmgate.benchmarks.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.FloatBuffer;
import java.util.Comparator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The inputs against the gates, multiplied out in doubles. */
class ResidualStreamTest {
  private static final int LAYERS = 3;
  private static final int EXPERTS = 64;
  private static final int TOP_K = 8;
  private static final int TOKENS = 40;
  private static final DecoderShape SHAPE = DecoderShape.ofBytes(LAYERS, EXPERTS, TOP_K, 1 << 20);

  private final Routes routes = MadeUpRoutes.of(LAYERS, EXPERTS, TOP_K, TOKENS, 5);
  private final ResidualStream stream = new ResidualStream(SHAPE, routes, 5);
  private final float[][] gates = new float[LAYERS][SHAPE.hidden() * EXPERTS];

  @BeforeEach
  void makeGates() {
    for (int layer = 0; layer < LAYERS; layer++) {
      stream.gate(layer, FloatBuffer.wrap(gates[layer]));
    }
  }

  /** What a gate says of the states before the attention of layer {@code attended}. */
  private double[] logits(int token, int layer, int attended) {
    double[] states = new double[SHAPE.hidden()];
    float[] part = new float[SHAPE.hidden()];
    stream.hidden(token, FloatBuffer.wrap(part));
    add(states, part);
    for (int before = 0; before < attended; before++) {
      stream.attention(token, before, FloatBuffer.wrap(part));
      add(states, part);
    }
    double[] logits = new double[EXPERTS];
    for (int i = 0; i < states.length; i++) {
      for (int expert = 0; expert < EXPERTS; expert++) {
        logits[expert] += states[i] * gates[layer][i * EXPERTS + expert];
      }
    }
    return logits;
  }

  private static void add(double[] sum, float[] part) {
    for (int i = 0; i < sum.length; i++) {
      sum[i] += part[i];
    }
  }

  private static int[] ranked(double[] logits) {
    return IntStream.range(0, logits.length)
        .boxed()
        .sorted(Comparator.comparingDouble(expert -> -logits[expert]))
        .mapToInt(Integer::intValue)
        .toArray();
  }

  @Test
  void eachGateRanksTheExpertsAsTheRoutesSay() {
    for (int token = 0; token < TOKENS; token++) {
      for (int layer = 0; layer < LAYERS; layer++) {
        int[] ranked = ranked(logits(token, layer, layer + 1));
        for (int rank = 0; rank < EXPERTS; rank++) {
          assertEquals(routes.expert(token, layer, rank), ranked[rank], "rank " + rank);
        }
      }
    }
  }

  @Test
  void theLogitsHaveVarianceOne() {
    double squares = 0;
    for (double logit : logits(0, 1, 2)) {
      squares += logit * logit;
    }
    assertEquals(1, squares / EXPERTS, 0.1);
  }

  @Test
  void theLayerBeforeForeseesMostAndTheOneBeforeThatLess() {
    double one = foreseen(1, TOP_K);
    double twice = foreseen(1, 2 * TOP_K);
    assertTrue(one > 0.71 && one < 0.81, "of the best k: " + one);
    assertTrue(twice > 0.93 && twice < 0.98, "of the best 2k: " + twice);
    double two = foreseen(2, TOP_K);
    assertTrue(two < one - 0.02, two + " two layers ahead");
  }

  /** How many of the last layer's experts its gate sees among its best, so many layers ahead. */
  private double foreseen(int ahead, int best) {
    int layer = LAYERS - 1;
    long found = 0;
    for (int token = 0; token < TOKENS; token++) {
      int[] ranked = ranked(logits(token, layer, layer + 1 - ahead));
      for (int rank = 0; rank < TOP_K; rank++) {
        int expert = routes.expert(token, layer, rank);
        found += IntStream.of(ranked).limit(best).filter(id -> id == expert).count();
      }
    }
    return (double) found / (TOKENS * TOP_K);
  }
}
