package dev.warmgate.cli;

import dev.warmgate.config.OptionsFile;
import dev.warmgate.config.WarmgateOptions;
import dev.warmgate.repack.Repack;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** A model rewritten for hosts that can't register an execution provider. */
@Command(
    name = "adapt",
    mixinStandardHelpOptions = true,
    description =
        "Rewrites a model for hosts that can't register an execution provider: its MoE nodes become"
            + " custom ops of libwarmgate.so, which read the experts from a store beside it.")
final class AdaptCommand extends StoreCommand {
  @Option(
      names = "--option",
      paramLabel = "KEY=VALUE",
      description =
          "A session option, for instance expert_memory=8g, for hosts that can't pass any; it is"
              + " kept in DIR/"
              + OptionsFile.NAME
              + ".")
  private final Map<String, String> options = new LinkedHashMap<>();

  AdaptCommand(Console console) {
    super(console);
  }

  @Override
  public Integer call() throws IOException {
    WarmgateOptions.parse(options);
    return write(
        "adapt",
        Repack::adapt,
        options.isEmpty() ? Map.of() : Map.of(OptionsFile.NAME, OptionsFile.content(options)));
  }
}
