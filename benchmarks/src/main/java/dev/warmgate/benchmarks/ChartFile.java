package dev.warmgate.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.VectorGraphicsEncoder;
import org.knowm.xchart.internal.chartpart.Chart;

/** Charts in files, whose kind their names' endings tell. */
public final class ChartFile {
  private ChartFile() {}

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
