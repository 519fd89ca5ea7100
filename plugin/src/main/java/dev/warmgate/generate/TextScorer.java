package dev.warmgate.generate;

import ai.onnxruntime.OrtException;
import java.io.IOException;

/**
 * Scores a given text as if the model had written it: one token a step, through the key-value
 * cache, so that what serves the experts has the same work as in decoding.
 */
public final class TextScorer {
  private TextScorer() {}

  /** Sees what a score is made of. */
  @FunctionalInterface
  public interface Observer {
    /**
     * Takes what the model foresaw before a scored token; no time of it is counted.
     *
     * @param index of the scored token, from 0
     * @param logits one for each id of the vocabulary; written again by the next step
     */
    void foresaw(int index, float[] logits) throws IOException;
  }

  /**
   * Scores all windows, each as a sequence of its own.
   *
   * @param text with ids of the model's vocabulary, in windows of at most its context length
   * @throws IOException if the observer fails
   * @throws OrtException if the model can't be run
   */
  public static TextScore score(DecoderModel model, TextWindows text, Observer observer)
      throws IOException, OrtException {
    double surprise = 0;
    int tokens = 0;
    int steps = 0;
    long nanos = 0;
    for (int[] window : text.windows()) {
      try (DecoderState state = model.start(window.length)) {
        for (int next = 1; next < window.length; next++) {
          long start = System.nanoTime();
          float[] logits = state.append(window[next - 1]);
          nanos += System.nanoTime() - start;
          steps++;
          if (next >= text.firstScored()) {
            surprise -= LogSoftmax.of(logits, window[next]);
            observer.foresaw(tokens++, logits);
          }
        }
      }
    }
    return new TextScore(tokens, surprise, steps, nanos);
  }
}
