package dev.warmgate.benchmarks.memory;

import dev.warmgate.benchmarks.Noise;
import dev.warmgate.simulate.Trace;
import java.util.stream.IntStream;

/**
 * Routes that follow a recorded trace.
 *
 * <p>Where its layers have few experts, adjacent ones are taken together as one: of two layers with
 * 32 experts, of which 4 run, comes one with 64, of which 8 run, ranks in turn. A trace tells which
 * experts ran, not how close the others were: those follow by how often they ran lately, and by
 * chance.
 */
final class TraceRoutes {
  /** Layers are taken together until they have so many experts. */
  private static final int LEAST_EXPERTS = 64;

  private static final double DECAY = 0.98;
  private static final double RARE = 0.05;

  private final Trace trace;
  private final int merged;
  private final int layers;
  private final Noise noise;
  private final double[] usage;

  private TraceRoutes(Trace trace, int mostLayers, long seed) {
    Trace.Header header = trace.header();
    this.trace = trace;
    merged = Math.min(Math.ceilDiv(LEAST_EXPERTS, header.experts()), header.layers());
    layers = Math.min(mostLayers, header.layers() / merged);
    noise = new Noise(seed);
    usage = new double[header.layers() * header.experts()];
  }

  /**
   * The first tokens of a trace.
   *
   * @param mostLayers so many layers at most
   */
  static Routes of(Trace trace, int mostLayers, int tokens, long seed) {
    return new TraceRoutes(trace, mostLayers, seed).first(tokens);
  }

  private Routes first(int tokens) {
    int experts = trace.header().experts() * merged;
    short[] order = new short[Math.multiplyExact(tokens * layers, experts)];
    int[] one = new int[trace.header().experts()];
    for (int token = 0; token < tokens; token++) {
      for (int layer = 0; layer < layers; layer++) {
        for (int part = 0; part < merged; part++) {
          rank(token, layer * merged + part, one);
          for (int rank = 0; rank < one.length; rank++) {
            order[(token * layers + layer) * experts + rank * merged + part] =
                (short) (part * one.length + one[rank]);
          }
        }
      }
    }
    return new Routes(layers, experts, trace.header().topK() * merged, order);
  }

  /** All experts of a layer of the trace, best first. */
  private void rank(int token, int layer, int[] out) {
    int topK = trace.header().topK();
    boolean[] ran = new boolean[out.length];
    for (int rank = 0; rank < topK; rank++) {
      out[rank] = trace.expert(token, layer, rank);
      ran[out[rank]] = true;
    }
    int first = layer * out.length;
    double[] near = new double[out.length];
    for (int expert = 0; expert < out.length; expert++) {
      // The largest of these sums is drawn with a chance in proportion to the usage (Gumbel).
      double chance = noise.share(((long) token << 20) + first + expert);
      near[expert] = Math.log(usage[first + expert] + RARE) - Math.log(-Math.log(chance));
      usage[first + expert] = DECAY * usage[first + expert] + (ran[expert] ? 1 : 0);
    }
    int[] others =
        IntStream.range(0, out.length)
            .filter(expert -> !ran[expert])
            .boxed()
            .sorted((a, b) -> Double.compare(near[b], near[a]))
            .mapToInt(Integer::intValue)
            .toArray();
    System.arraycopy(others, 0, out, topK, others.length);
  }
}
