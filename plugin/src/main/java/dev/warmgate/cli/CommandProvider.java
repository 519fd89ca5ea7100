package dev.warmgate.cli;

import java.io.PrintStream;
import java.util.List;

/**
 * Adds commands of other modules to the command line; found by {@link java.util.ServiceLoader}, so
 * that the plugin depends on none of what they need.
 */
public interface CommandProvider {
  /**
   * The commands, made for one run of the command line.
   *
   * @param out gets results
   * @param err gets errors, logs and progress
   * @return picocli command objects that follow this package's invariants; each mixes in {@link
   *     OutputOptions}
   */
  List<Object> commands(PrintStream out, PrintStream err);
}
