package dev.warmgate.benchmarks.dispatch;

import dev.warmgate.benchmarks.ChartFile;
import java.awt.Color;
import java.io.IOException;
import java.nio.file.Path;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.lines.SeriesLines;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** Capacity against load: a series a method, a point for each kind of target. */
final class DispatchPlot {
  private static final double[] KINDS = {1, 2, 8};

  private final XYChart chart;

  DispatchPlot(Workload workload) {
    chart =
        ChartFile.plain(
            new XYChartBuilder(),
            "Rows sent to a target, " + workload.setting(),
            "capacity of the target (rows)",
            "load (rows, mean ± standard deviation)");
    chart.getStyler().setLegendPosition(LegendPosition.InsideNW);
    double[] capacity = new double[KINDS.length];
    for (int kind = 0; kind < KINDS.length; kind++) {
      capacity[kind] = mean(workload, kind, workload.capacities());
    }
    for (Method method : Method.values()) {
      int[] routes = new int[workload.setting().places()];
      method.on(workload).route(routes);
      int[] loads = Outcome.loads(routes, workload.setting().size());
      double[] mean = new double[KINDS.length];
      double[] deviation = new double[KINDS.length];
      for (int kind = 0; kind < KINDS.length; kind++) {
        mean[kind] = mean(workload, kind, loads);
        deviation[kind] = deviation(workload, kind, loads, mean[kind]);
      }
      chart.addSeries(method.text(), capacity, mean, deviation);
    }
    XYSeries limit = chart.addSeries("load = capacity", capacity, capacity);
    limit.setMarker(SeriesMarkers.NONE);
    limit.setLineColor(Color.GRAY);
    limit.setLineStyle(SeriesLines.DASH_DASH);
  }

  /**
   * Writes a PNG or SVG file, by its name's ending.
   *
   * @throws IOException if it can't be written
   */
  void save(Path file) throws IOException {
    ChartFile.save(chart, file);
  }

  private static double mean(Workload workload, int kind, int[] values) {
    double sum = 0;
    int count = 0;
    for (int target = 0; target < values.length; target++) {
      if (workload.relative()[target] == KINDS[kind]) {
        sum += values[target];
        count++;
      }
    }
    return sum / count;
  }

  private static double deviation(Workload workload, int kind, int[] values, double mean) {
    double squares = 0;
    int count = 0;
    for (int target = 0; target < values.length; target++) {
      if (workload.relative()[target] == KINDS[kind]) {
        squares += (values[target] - mean) * (values[target] - mean);
        count++;
      }
    }
    return Math.sqrt(squares / (count - 1));
  }
}
