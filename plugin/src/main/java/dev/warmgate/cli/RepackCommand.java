package dev.warmgate.cli;

import dev.warmgate.repack.Repack;
import java.io.IOException;
import java.util.Map;
import picocli.CommandLine.Command;

/** A model rewritten so that its experts are read faster and are checked. */
@Command(
    name = "repack",
    mixinStandardHelpOptions = true,
    description =
        "Rewrites a model's experts into a store: each in one piece, at whole blocks, with a"
            + " checksum; and the model beside it, without them.")
final class RepackCommand extends StoreCommand {
  RepackCommand(Console console) {
    super(console);
  }

  @Override
  public Integer call() throws IOException {
    return write("repack", Repack::open, Map.of());
  }
}
