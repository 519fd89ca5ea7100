package dev.warmgate.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.warmgate.generate.TextScore;
import dev.warmgate.metrics.ResidencyStats;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class EvaluationPlotTest {
  private static EvaluationRow row(
      String routing, Double lambda, String memory, int hits, double perplexity) {
    return new EvaluationRow(
        routing,
        Optional.ofNullable(lambda),
        Optional.of(memory),
        score(perplexity),
        Optional.empty(),
        Optional.of(new ResidencyStats(hits, 100 - hits, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)),
        Optional.empty(),
        List.of());
  }

  private static TextScore score(double perplexity) {
    return new TextScore(1, Math.log(perplexity), 1, 1);
  }

  @Test
  void aLineLeadsThroughTheStrengthsOfABudgetOrTheBudgetsOfAMode() {
    LinePlot plot =
        EvaluationPlot.of(
            "a model",
            List.of(
                EvaluationRow.stock(score(10)),
                row("lossless", null, "50%", 60, 10),
                row("cache-prior", 0.1, "50%", 70, 10.1),
                row("adaptive", 0.2, "50%", 80, 10.5),
                row("lossless", null, "25%", 30, 10),
                row("cache-prior", 0.1, "25%", 40, 10.2),
                row("adaptive", 0.3, "25%", 50, 11)));
    assertEquals(
        List.of("cache-prior, 50%", "adaptive", "cache-prior, 25%"),
        plot.lines().stream().map(LinePlot.Line::name).toList());
    assertEquals(List.of(60.0, 70.0), plot.lines().getFirst().x());
    assertEquals(0, plot.lines().getFirst().y().getFirst(), 1e-9);
    assertEquals(1, plot.lines().getFirst().y().getLast(), 1e-9);
    assertEquals(List.of(80.0, 50.0), plot.lines().get(1).x());
    assertEquals(10, plot.lines().get(1).y().getLast(), 1e-9);
  }
}
