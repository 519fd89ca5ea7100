package dev.warmgate.cli;

import com.google.gson.JsonObject;
import java.util.concurrent.Callable;
import picocli.CommandLine.Option;

/** What all commands have. */
abstract class WarmgateCommand implements Callable<Integer> {
  @Option(names = "--json", description = "Print one JSON object and nothing else.")
  private boolean json;

  @Option(names = Main.DEBUG, description = "Show where an error comes from.")
  private boolean debug;

  private final Console console;

  WarmgateCommand(Console console) {
    this.console = console;
  }

  final Console console() {
    return console;
  }

  final boolean json() {
    return json;
  }

  final boolean debug() {
    return debug;
  }

  final void print(JsonObject object) {
    console.out().println(Json.text(object));
  }
}
