package dev.warmgate.benchmarks;

import dev.warmgate.benchmarks.dispatch.DispatchBenchCommand;
import dev.warmgate.benchmarks.memory.MemoryCommand;
import dev.warmgate.benchmarks.pagein.PageInCommand;
import dev.warmgate.benchmarks.quantised.QuantisedCommand;
import dev.warmgate.cli.CommandProvider;
import java.io.PrintStream;
import java.util.List;

/** This module's commands. */
public final class BenchmarkCommands implements CommandProvider {
  @Override
  public List<Object> commands(PrintStream out, PrintStream err) {
    return List.of(
        new DispatchBenchCommand(out, err),
        BenchCommand.of(
            new MemoryCommand(out, err),
            new PageInCommand(out, err),
            new QuantisedCommand(out, err)));
  }
}
