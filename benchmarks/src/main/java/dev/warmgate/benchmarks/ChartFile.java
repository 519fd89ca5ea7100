package dev.warmgate.benchmarks;

import java.awt.Color;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.VectorGraphicsEncoder;
import org.knowm.xchart.internal.ChartBuilder;
import org.knowm.xchart.internal.chartpart.Chart;

/** Charts in files, whose kind their names' endings tell. */
public final class ChartFile {
  private static final int WIDTH = 900;
  private static final int HEIGHT = 600;

  private ChartFile() {}

  /** A chart of the usual size on white. */
  public static <C extends Chart<?, ?>> C plain(
      ChartBuilder<?, C> builder, String title, String xAxis, String yAxis) {
    // No window is opened; without a display Java would look for one.
    System.setProperty("java.awt.headless", "true");
    builder.width(WIDTH);
    builder.height(HEIGHT);
    builder.title(title);
    C chart = builder.build();
    chart.setXAxisTitle(xAxis);
    chart.setYAxisTitle(yAxis);
    chart.getStyler().setChartBackgroundColor(Color.WHITE);
    return chart;
  }

  /** Whether a file's name ends as {@link #save} can write it. */
  public static boolean writes(Path file) {
    return isSvg(file) || hasSuffix(file, ".png");
  }

  /**
   * Writes a PNG or SVG file.
   *
   * @throws IOException if it can't be written
   */
  public static void save(Chart<?, ?> chart, Path file) throws IOException {
    Path folder = file.toAbsolutePath().getParent();
    if (!Files.isDirectory(folder)) {
      throw new IOException(folder + ": no such folder");
    }
    if (isSvg(file)) {
      VectorGraphicsEncoder.saveVectorGraphic(
          chart, file.toString(), VectorGraphicsEncoder.VectorGraphicsFormat.SVG);
    } else {
      BitmapEncoder.saveBitmap(chart, file.toString(), BitmapEncoder.BitmapFormat.PNG);
    }
  }

  private static boolean isSvg(Path file) {
    return hasSuffix(file, ".svg");
  }

  private static boolean hasSuffix(Path file, String suffix) {
    return file.toString().toLowerCase(Locale.ROOT).endsWith(suffix);
  }
}
