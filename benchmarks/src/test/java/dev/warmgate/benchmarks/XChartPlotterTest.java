package dev.warmgate.benchmarks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.warmgate.cli.HeatMap;
import dev.warmgate.cli.Plotter;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Pictures are looked at, as far as a test can. */
class XChartPlotterTest {
  @TempDir Path folder;

  @Test
  void aHeatMapIsHotWhereItsValuesAreLarge() throws IOException {
    Path file = folder.resolve("map.png");
    var rows = List.of(List.of(0.0, 0.0, 10.0), List.of(0.0, 10.0, 0.0), List.of(10.0, 0.0, 0.0));
    new XChartPlotter().save(new HeatMap("title", "x", "y", rows), file);
    BufferedImage image = ImageIO.read(file.toFile());
    int cold = count(image, 0xf7fbff);
    int hot = count(image, 0xd7301f);
    assertNotEquals(0, hot);
    // Six cells and three of equal size; the scale beside them shows both colours, too.
    assertEquals(2, (double) cold / hot, 0.2);
  }

  private static int count(BufferedImage image, int colour) {
    int count = 0;
    for (int y = 0; y < image.getHeight(); y++) {
      for (int x = 0; x < image.getWidth(); x++) {
        if ((image.getRGB(x, y) & 0xffffff) == colour) {
          count++;
        }
      }
    }
    return count;
  }

  @Test
  void aFolderThatIsMissingIsSaid() {
    var map = new HeatMap("title", "x", "y", List.of(List.of(1.0, 2.0)));
    Path file = folder.resolve("absent").resolve("map.svg");
    assertThrows(IOException.class, () -> new XChartPlotter().save(map, file));
  }

  @Test
  void aCommandLooksForTheFolderFirst() {
    assertInstanceOf(XChartPlotter.class, Plotter.of("--plot", folder.resolve("map.svg")));
    Path file = folder.resolve("absent").resolve("map.svg");
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> Plotter.of("--plot", file));
    assertEquals("--plot " + file + ": no such folder", e.getMessage());
  }
}
