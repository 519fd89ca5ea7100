package dev.warmgate.cli;

import dev.warmgate.onnx.Unsupported;
import dev.warmgate.repack.Repack;
import dev.warmgate.repack.Repacked;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** A model rewritten so that its experts are read faster and are checked. */
@Command(
    name = "repack",
    mixinStandardHelpOptions = true,
    description =
        "Rewrites a model's experts into a store: each in one piece, at whole blocks, with a"
            + " checksum; and the model beside it, without them.")
final class RepackCommand extends WarmgateCommand {
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

  RepackCommand(Console console) {
    super(console);
  }

  @Override
  public Integer call() throws IOException {
    ModelFiles files = ModelFiles.of(model);
    Repack repack = Repack.open(files.file(), files.config().isPresent(), out);
    Repacked result;
    try (Progress progress = Progress.start(console(), "repack", repack.experts())) {
      result = repack.write(force, progress::step);
    }
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
      return Main.DONE;
    }
    PrintStream console = console().out();
    console.printf(
        "%s: %s, %s; %s became %s%n",
        result.model(),
        Texts.count(result.layers(), "MoE layer"),
        Texts.count(result.experts(), "expert"),
        Texts.bytes(result.bytesIn()),
        Texts.bytes(result.bytesOut()));
    for (Unsupported part : result.left()) {
      console.printf("left as it is: %s: %s%n", part.node(), part.reason());
    }
    return Main.DONE;
  }
}
