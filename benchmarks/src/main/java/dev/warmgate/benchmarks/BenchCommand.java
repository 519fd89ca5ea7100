package dev.warmgate.benchmarks;

import dev.warmgate.cli.OutputOptions;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The measurements of this machine; each is a command below this one. */
@Command(
    name = "bench",
    mixinStandardHelpOptions = true,
    description = "Measures this machine: each command below says what.")
public final class BenchCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  // Every command has them; this one prints nothing.
  @SuppressWarnings("UnusedVariable")
  @Mixin
  private OutputOptions output;

  private BenchCommand() {}

  /** This command with those below it. */
  static CommandLine of(Object... commands) {
    CommandLine bench = new CommandLine(new BenchCommand());
    for (Object command : commands) {
      bench.addSubcommand(command);
    }
    return bench;
  }

  @Override
  public Integer call() {
    throw new ParameterException(
        spec.commandLine(), "bench needs one of " + spec.subcommands().keySet());
  }
}
