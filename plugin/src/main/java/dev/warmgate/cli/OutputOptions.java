package dev.warmgate.cli;

import picocli.CommandLine.Option;

/** The options that every command has; mixed into each. */
public final class OutputOptions {
  @Option(names = "--json", description = "Print one JSON object and nothing else.")
  private boolean json;

  @Option(names = Main.DEBUG, description = "Show where an error comes from.")
  private boolean debug;

  /** Whether standard output is to be one JSON object. */
  public boolean json() {
    return json;
  }

  /** Whether an error is shown with where it comes from; the command line itself sees to that. */
  public boolean debug() {
    return debug;
  }
}
