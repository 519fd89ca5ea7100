package dev.warmgate.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.ServiceLoader;

/**
 * Draws; found by {@link java.util.ServiceLoader}, so that the plugin depends on no library for it.
 */
public interface Plotter {

  /** Whether a file's name ends as {@link #save} can write it. */
  boolean writes(Path file);

  /**
   * Writes a file of the kind that its name's ending tells.
   *
   * @throws IOException if it can't be written
   */
  void save(LinePlot plot, Path file) throws IOException;

  /**
   * The same for a heat map.
   *
   * @throws IOException if it can't be written
   */
  void save(HeatMap map, Path file) throws IOException;

  /** What draws here, if anything does. */
  static Optional<Plotter> find() {
    return ServiceLoader.load(Plotter.class).findFirst();
  }

  /**
   * What draws into a file.
   *
   * @param option by which the user named it
   * @throws IllegalArgumentException in one line, if it isn't a kind of file that can be drawn, or
   *     its folder isn't there
   */
  static Plotter of(String option, Path file) {
    Plotter plotter =
        find().orElseThrow(() -> new CommandFailure(option + ": nothing here can draw"));
    if (!plotter.writes(file)) {
      throw new IllegalArgumentException(option + " " + file + ": not a .png or .svg file");
    }
    Path folder = file.toAbsolutePath().getParent();
    if (!Files.isDirectory(folder)) {
      throw new IllegalArgumentException(option + " " + file + ": no such folder");
    }
    return plotter;
  }
}
