package dev.warmgate.cli;

import java.io.PrintStream;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** An evaluation for people: all rows, and at each budget the one that is worth its price. */
final class EvaluationTable {
  /** The share of perplexity that a row may cost to be recommended. */
  private static final double PRICE = 0.01;

  private EvaluationTable() {}

  /**
   * Prints rows.
   *
   * @param rows the first is stock's
   */
  static void print(PrintStream out, List<EvaluationRow> rows) {
    EvaluationRow stock = rows.getFirst();
    TextTable table =
        TextTable.ofNumbers()
            .row(
                "routing",
                "expert memory",
                "lambda",
                "perplexity",
                "cost",
                "agreement",
                "mass kept",
                "KL",
                "hit rate",
                "read",
                "tokens/s");
    rows.forEach(row -> table.row(row.cells(stock)));
    out.print(table);
    Map<String, List<EvaluationRow>> budgets = new LinkedHashMap<>();
    for (EvaluationRow row : rows.subList(1, rows.size())) {
      budgets.merge(row.memory().orElseThrow(), List.of(row), EvaluationTable::both);
    }
    budgets.values().forEach(budget -> recommend(out, budget));
  }

  private static List<EvaluationRow> both(List<EvaluationRow> a, List<EvaluationRow> b) {
    return Stream.concat(a.stream(), b.stream()).toList();
  }

  /** The best hit rate below the price, if it is better than that of lossless routing. */
  private static void recommend(PrintStream out, List<EvaluationRow> rows) {
    Optional<EvaluationRow> lossless = rows.stream().filter(EvaluationRow::lossless).findFirst();
    if (lossless.isEmpty()) {
      return;
    }
    EvaluationRow own = lossless.get();
    rows.stream()
        .filter(row -> row.hitRate() > own.hitRate() && row.cost(own) < PRICE)
        .max(Comparator.comparingDouble(EvaluationRow::hitRate))
        .ifPresent(
            best ->
                out.printf(
                    "%s of experts, below %s of perplexity: %s, hit rate %s instead of %s,"
                        + " %s instead of %s tokens/s, perplexity %s%n",
                    best.memory().orElseThrow(),
                    Texts.percent(PRICE),
                    best.name(),
                    Texts.percent(best.hitRate()),
                    Texts.percent(own.hitRate()),
                    Texts.number(best.score().tokensPerSecond(), 1),
                    Texts.number(own.score().tokensPerSecond(), 1),
                    EvaluationRow.signedPercent(best.cost(own))));
  }
}
