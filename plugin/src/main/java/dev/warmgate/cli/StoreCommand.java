package dev.warmgate.cli;

import dev.warmgate.onnx.Unsupported;
import dev.warmgate.repack.Repack;
import dev.warmgate.repack.Repacked;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Map;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What the commands have in common that write a model with an expert store. */
abstract class StoreCommand extends WarmgateCommand {
  @Parameters(paramLabel = "MODEL", description = "An ONNX file, or a folder in GenAI's layout.")
  private Path model;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      required = true,
      description = "The folder to make; it appears whole, once all is written.")
  private Path out;

  @Option(names = "--force", description = "Replace an earlier result in DIR.")
  private boolean force;

  StoreCommand(Console console) {
    super(console);
  }

  /** Plans what is to be written. */
  @FunctionalInterface
  interface Planner {
    /** See {@link Repack#open}. */
    Repack open(Path model, boolean wholeFolder, Path out) throws IOException;
  }

  /**
   * Writes the folder, and says what is in it.
   *
   * @param name of the command
   * @param more files of the folder
   */
  final int write(String name, Planner planner, Map<String, byte[]> more) throws IOException {
    ModelFiles files = ModelFiles.of(model);
    Repack repack = planner.open(files.file(), files.config().isPresent(), out);
    Repacked result;
    try (Progress progress = Progress.start(console(), name, repack.experts())) {
      result = repack.write(force, progress::step, more);
    }
    report(result);
    return Main.DONE;
  }

  private void report(Repacked result) {
    if (json()) {
      print(
          Json.object(
              "model", result.model(),
              "store", result.store(),
              "bytes_in", result.bytesIn(),
              "bytes_out", result.bytesOut(),
              "layers", result.layers(),
              "experts", result.experts(),
              "left",
                  result.left().stream()
                      .map(part -> Json.object("node", part.node(), "reason", part.reason()))
                      .toList()));
      return;
    }
    PrintStream text = console().out();
    text.printf(
        "%s: %s, %s; %s became %s%n",
        result.model(),
        Texts.count(result.layers(), "MoE layer"),
        Texts.count(result.experts(), "expert"),
        Texts.bytes(result.bytesIn()),
        Texts.bytes(result.bytesOut()));
    for (Unsupported part : result.left()) {
      text.printf("left as it is: %s: %s%n", part.node(), part.reason());
    }
  }
}
