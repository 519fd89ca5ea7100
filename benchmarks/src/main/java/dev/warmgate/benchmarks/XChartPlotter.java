package dev.warmgate.benchmarks;

import dev.warmgate.cli.LinePlot;
import dev.warmgate.cli.Plotter;
import java.awt.Color;
import java.io.IOException;
import java.nio.file.Path;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.lines.SeriesLines;

/** Draws lines with XChart. */
public final class XChartPlotter implements Plotter {
  private static final int WIDTH = 900;
  private static final int HEIGHT = 600;

  @Override
  public boolean writes(Path file) {
    return ChartFile.writes(file);
  }

  @Override
  public void save(LinePlot plot, Path file) throws IOException {
    // No window is opened; without a display Java would look for one.
    System.setProperty("java.awt.headless", "true");
    XYChart chart =
        new XYChartBuilder()
            .width(WIDTH)
            .height(HEIGHT)
            .title(plot.title())
            .xAxisTitle(plot.xAxis())
            .yAxisTitle(plot.yAxis())
            .build();
    chart.getStyler().setLegendPosition(LegendPosition.InsideSE);
    chart.getStyler().setChartBackgroundColor(Color.WHITE);
    for (LinePlot.Line line : plot.lines()) {
      XYSeries series = chart.addSeries(line.name(), plot.x(), line.y());
      if (line.limit()) {
        series.setLineColor(Color.GRAY);
        series.setMarkerColor(Color.GRAY);
        series.setLineStyle(SeriesLines.DASH_DASH);
      }
    }
    ChartFile.save(chart, file);
  }
}
