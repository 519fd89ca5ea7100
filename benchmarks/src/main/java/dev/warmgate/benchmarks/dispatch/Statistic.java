package dev.warmgate.benchmarks.dispatch;

import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/**
 * A figure over several seeds.
 *
 * @param deviation the standard deviation of a sample, 0 of a single seed
 */
record Statistic(double mean, double deviation) {

  static Statistic of(List<Outcome> outcomes, ToDoubleFunction<Outcome> figure) {
    double mean = outcomes.stream().mapToDouble(figure).average().orElseThrow();
    double squares =
        outcomes.stream()
            .mapToDouble(outcome -> Math.pow(figure.applyAsDouble(outcome) - mean, 2))
            .sum();
    int freedom = outcomes.size() - 1;
    return new Statistic(mean, freedom == 0 ? 0 : Math.sqrt(squares / freedom));
  }

  /** The same in other units. */
  Statistic times(double factor) {
    return new Statistic(mean * factor, deviation * factor);
  }

  String text(int digits) {
    return String.format(
        Locale.ROOT, "%.{d}f ± %.{d}f".replace("{d}", "" + digits), mean, deviation);
  }
}
