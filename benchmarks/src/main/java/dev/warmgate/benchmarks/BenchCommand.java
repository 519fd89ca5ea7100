package dev.warmgate.benchmarks;

import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The measurements of this machine; each is a command below this one. */
@Command(
    name = "bench",
    mixinStandardHelpOptions = true,
    description = "Measures this machine: each command below says what.")
public final class BenchCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  // Every command has them.
  @SuppressWarnings("UnusedVariable")
  @Option(names = "--json", description = "Print one JSON object and nothing else.")
  private boolean json;

  @SuppressWarnings("UnusedVariable")
  @Option(names = "--debug", description = "Show where an error comes from.")
  private boolean debug;

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
