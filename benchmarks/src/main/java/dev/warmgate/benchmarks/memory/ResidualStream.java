package dev.warmgate.benchmarks.memory;

import dev.warmgate.benchmarks.Noise;
import java.nio.FloatBuffer;
import java.util.Arrays;

/**
 * The inputs of a generated decoder: what embedding and attention would add to the hidden states so
 * that each layer's gate, a matrix like any other, ranks the experts as {@link Routes} say.
 *
 * <p>The columns of all gates together are orthonormal: those of a Householder reflection I − 2vvᵀ.
 * So each expert of each layer has a direction of its own in the hidden states, and its logit is
 * how far the states reach in that direction. The logits of a layer are the quantiles of a logistic
 * distribution of variance 1, dealt out by rank.
 *
 * <p>What an earlier layer can see of a later gate's choice is blurred: the embedding has each
 * logit with noise, and the attention of each layer up to the gate's own takes one part of that
 * noise back. A layer ahead, with 64 experts of which 8 run, the best 8 by the blurred logits hold
 * .76 of those that will run, the best 16 .96; two layers ahead .68 and .90. Published for gates of
 * trained models, one layer ahead: .77 to .87 and .92 to .98.
 */
final class ResidualStream {
  /** Standard deviation of the noise that is left one layer ahead. */
  static final float BLUR = 0.4f;

  private static final double UNIT_VARIANCE = Math.sqrt(3) / Math.PI;

  private final DecoderShape shape;
  private final Routes routes;
  private final Noise noise;
  private final float[] mirror;
  private final float[] logits;
  private final float[] along;

  /**
   * @param routes null if only gates are wanted
   */
  ResidualStream(DecoderShape shape, Routes routes, long seed) {
    this.shape = shape;
    this.routes = routes;
    this.noise = new Noise(seed);
    mirror = unitVector(shape.hidden(), new Noise(seed + 1));
    logits = new float[shape.experts()];
    for (int rank = 0; rank < logits.length; rank++) {
      double above = (rank + 0.5) / logits.length;
      logits[rank] = (float) (UNIT_VARIANCE * Math.log((1 - above) / above));
    }
    along = new float[shape.hidden()];
  }

  private static float[] unitVector(int size, Noise noise) {
    double[] values = new double[size];
    double squares = 0;
    for (int i = 0; i < size; i++) {
      values[i] = noise.normal(i);
      squares += values[i] * values[i];
    }
    float[] unit = new float[size];
    for (int i = 0; i < size; i++) {
      unit[i] = (float) (values[i] / Math.sqrt(squares));
    }
    return unit;
  }

  /** A layer's gate, {@code f32[hidden, experts]}. */
  void gate(int layer, FloatBuffer out) {
    for (int i = 0; i < shape.hidden(); i++) {
      for (int expert = 0; expert < shape.experts(); expert++) {
        int column = direction(layer, expert);
        out.put((i == column ? 1 : 0) - 2 * mirror[i] * mirror[column]);
      }
    }
  }

  /** The embedding of a token, {@code f32[hidden]}. */
  void hidden(int token, FloatBuffer out) {
    Arrays.fill(along, 0);
    for (int layer = 0; layer < shape.layers(); layer++) {
      for (int rank = 0; rank < shape.experts(); rank++) {
        int place = direction(layer, routes.expert(token, layer, rank));
        float value = logits[rank];
        for (int at = 0; at <= layer; at++) {
          value += BLUR * noise(token, at, place);
        }
        along[place] = value;
      }
    }
    reflect(out);
  }

  /** What attention adds before a layer, {@code f32[hidden]}. */
  void attention(int token, int layer, FloatBuffer out) {
    int from = direction(layer, 0);
    Arrays.fill(along, 0);
    for (int place = from; place < shape.layers() * shape.experts(); place++) {
      along[place] = -BLUR * noise(token, layer, place);
    }
    reflect(out);
  }

  private int direction(int layer, int expert) {
    return layer * shape.experts() + expert;
  }

  private float noise(int token, int layer, int place) {
    return noise.normal(((long) token * shape.layers() + layer) * shape.hidden() + place);
  }

  private void reflect(FloatBuffer out) {
    double dot = 0;
    for (int i = 0; i < along.length; i++) {
      dot += mirror[i] * along[i];
    }
    float twice = (float) (2 * dot);
    for (int i = 0; i < along.length; i++) {
      out.put(along[i] - twice * mirror[i]);
    }
  }
}
