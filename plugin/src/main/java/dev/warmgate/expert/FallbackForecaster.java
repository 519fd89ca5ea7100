package dev.warmgate.expert;

import java.lang.foreign.MemorySegment;

/** Asks the second where the first knows nothing. */
record FallbackForecaster(Forecaster first, Forecaster second) implements Forecaster {

  private Forecaster of(int layer) {
    return first.knows(layer) ? first : second;
  }

  @Override
  public int forecast(int layer, MemorySegment hidden, int tokens, Assignments chosen, int[] ids) {
    return of(layer).forecast(layer, hidden, tokens, chosen, ids);
  }

  @Override
  public void learn(int layer, int[] before, int beforeCount, int tokens, Assignments chosen) {
    of(layer).learn(layer, before, beforeCount, tokens, chosen);
  }

  @Override
  public void close() {
    first.close();
    second.close();
  }
}
