package dev.warmgate.cli;

import dev.warmgate.generate.TextScorer;
import dev.warmgate.metrics.ControllerState;
import dev.warmgate.metrics.LayerStats;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** How the adaptive strengths of the layers moved while a text was read. */
final class LambdaTrace implements TextScorer.Observer {
  /** Tokens from one entry to the next: as many as a controller needs to look once. */
  private static final int STEP = 32;

  private final Engine engine;
  private final TextScorer.Observer next;
  private final List<List<Float>> entries = new ArrayList<>();

  /**
   * A trace of the session that is open.
   *
   * @param next hears of every token too
   */
  LambdaTrace(Engine engine, TextScorer.Observer next) {
    this.engine = engine;
    this.next = next;
  }

  @Override
  public void foresaw(int index, float[] logits) throws IOException {
    next.foresaw(index, logits);
    if ((index + 1) % STEP == 0) {
      List<Float> lambdas =
          engine.layerStatistics().stream()
              .map(LayerStats::controller)
              .flatMap(controller -> controller.stream().map(ControllerState::lambda))
              .toList();
      if (!lambdas.isEmpty()) {
        entries.add(lambdas);
      }
    }
  }

  /** By time, then by layer; empty if nothing adapts. */
  List<List<Float>> entries() {
    return List.copyOf(entries);
  }
}
