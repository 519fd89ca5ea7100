package dev.warmgate.benchmarks;

import dev.warmgate.cli.HeatMap;
import dev.warmgate.cli.LinePlot;
import dev.warmgate.cli.Plotter;
import java.awt.Color;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.knowm.xchart.HeatMapChart;
import org.knowm.xchart.HeatMapChartBuilder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.lines.SeriesLines;

/** Draws with XChart. */
public final class XChartPlotter implements Plotter {
  private static final Color[] COLD_TO_HOT = {
    new Color(0xf7fbff), new Color(0xfdd49e), new Color(0xd7301f)
  };

  @Override
  public boolean writes(Path file) {
    return ChartFile.writes(file);
  }

  @Override
  public void save(LinePlot plot, Path file) throws IOException {
    XYChart chart = ChartFile.plain(new XYChartBuilder(), plot.title(), plot.xAxis(), plot.yAxis());
    chart.getStyler().setLegendPosition(LegendPosition.OutsideE);
    for (LinePlot.Line line : plot.lines()) {
      XYSeries series = chart.addSeries(line.name(), line.x(), line.y());
      if (line.limit()) {
        series.setLineColor(Color.GRAY);
        series.setMarkerColor(Color.GRAY);
        series.setLineStyle(SeriesLines.DASH_DASH);
      }
    }
    ChartFile.save(chart, file);
  }

  @Override
  public void save(HeatMap map, Path file) throws IOException {
    HeatMapChart chart =
        ChartFile.plain(new HeatMapChartBuilder(), map.title(), map.xAxis(), map.yAxis());
    chart.getStyler().setRangeColors(COLD_TO_HOT).setDrawBorder(true);
    List<Integer> columns = IntStream.range(0, map.rows().getFirst().size()).boxed().toList();
    List<Integer> rows = IntStream.range(0, map.rows().size()).boxed().toList();
    List<Number[]> cells = new ArrayList<>();
    for (int row : rows) {
      for (int column : columns) {
        cells.add(new Number[] {column, row, map.rows().get(row).get(column)});
      }
    }
    chart.addSeries(map.title(), columns, rows, cells);
    ChartFile.save(chart, file);
  }
}
