package dev.warmgate.cli;

import java.io.IOException;
import java.nio.file.Path;

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
}
