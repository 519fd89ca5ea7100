package dev.warmgate.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * An evaluation as a picture: how many hits each way of routing has, and what they cost.
 *
 * <p>For each budget a line leads from lossless routing through the strengths of {@code
 * cache-prior}, in the order in which they were asked for; each other mode is a line through the
 * budgets.
 */
final class EvaluationPlot {
  private EvaluationPlot() {}

  /**
   * The picture of an evaluation's rows.
   *
   * @param rows the first is stock's
   */
  static LinePlot of(String model, List<EvaluationRow> rows) {
    EvaluationRow stock = rows.getFirst();
    Map<String, List<EvaluationRow>> lines = new LinkedHashMap<>();
    for (EvaluationRow row : rows.subList(1, rows.size())) {
      boolean byBudget = row.lossless() || row.routing().equals(EvaluationCase.CACHE_PRIOR);
      lines
          .computeIfAbsent(
              byBudget ? "cache-prior, " + row.memory().orElseThrow() : row.routing(),
              _ -> new ArrayList<>())
          .add(row);
    }
    return new LinePlot(
        model,
        "hit rate in %",
        "perplexity above stock's in %",
        lines.entrySet().stream()
            .map(line -> line(line.getKey(), line.getValue(), stock))
            .toList());
  }

  private static LinePlot.Line line(String name, List<EvaluationRow> rows, EvaluationRow stock) {
    return new LinePlot.Line(
        name,
        percent(rows.stream().map(EvaluationRow::hitRate)),
        percent(rows.stream().map(row -> row.cost(stock))),
        false);
  }

  private static List<Double> percent(Stream<Double> shares) {
    return shares.map(share -> 100 * share).toList();
  }
}
