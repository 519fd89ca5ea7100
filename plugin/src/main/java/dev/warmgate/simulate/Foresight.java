package dev.warmgate.simulate;

import dev.warmgate.residency.prefetch.TransitionPredictor;
import java.util.Arrays;

/** Foresees the experts of the layer that comes next. */
sealed interface Foresight {

  /**
   * Says how likely each expert of the next layer is to run.
   *
   * @param token whose layer has run
   * @param layer that has run, with these experts
   * @param out receives a probability for each expert of the next layer
   * @return whether anything is foreseen
   */
  boolean next(long token, int layer, int[] ran, float[] out);

  /** By the counts of a predictor that learns on the way. */
  final class ByTransition implements Foresight {
    private final TransitionPredictor predictor;
    private int[] before;
    private int layerBefore;

    ByTransition(Trace.Header header) {
      int[] experts = new int[header.layers()];
      Arrays.fill(experts, header.experts());
      predictor = new TransitionPredictor(experts);
    }

    @Override
    public boolean next(long token, int layer, int[] ran, float[] out) {
      if (before == null) {
        before = ran.clone();
      } else {
        predictor.observe(layerBefore, before, before.length, ran, ran.length);
        System.arraycopy(ran, 0, before, 0, ran.length);
      }
      layerBefore = layer;
      predictor.predict(layer, ran, ran.length, out);
      return true;
    }
  }

  /**
   * By the next layer's own logits, through a sigmoid: its order is theirs, and what a gate selects
   * has a good chance. After the last layer nothing is known.
   */
  final class ByGate implements Foresight {
    private final Trace trace;

    ByGate(Trace trace) {
      this.trace = trace;
    }

    @Override
    public boolean next(long token, int layer, int[] ran, float[] out) {
      if (layer + 1 == trace.header().layers()) {
        return false;
      }
      for (int expert = 0; expert < out.length; expert++) {
        out[expert] = (float) (1 / (1 + Math.exp(-trace.logit(token, layer + 1, expert))));
      }
      return true;
    }
  }
}
