package dev.warmgate.benchmarks;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.warmgate.cli.Main;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;

/** What one run of the command line, within this process, came to. */
public record CommandResult(int exitCode, String out, String err) {

  /** Runs a command. */
  public static CommandResult of(String... args) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int exitCode =
        Main.run(new PrintStream(out, true, UTF_8), new PrintStream(err, true, UTF_8), args);
    return new CommandResult(exitCode, out.toString(UTF_8), err.toString(UTF_8));
  }
}
