package dev.warmgate.cli;

import com.google.gson.JsonObject;
import java.util.concurrent.Callable;
import picocli.CommandLine.Mixin;

/** What all commands have. */
abstract class WarmgateCommand implements Callable<Integer> {
  @Mixin private OutputOptions output;

  private final Console console;

  WarmgateCommand(Console console) {
    this.console = console;
  }

  final Console console() {
    return console;
  }

  final boolean json() {
    return output.json();
  }

  final boolean debug() {
    return output.debug();
  }

  final void print(JsonObject object) {
    console.out().println(Json.text(object));
  }
}
