package dev.warmgate.host.ort;

import ai.onnxruntime.OrtException;
import dev.warmgate.onnx.MoeModelSpec;
import java.nio.file.Path;
import java.util.Map;

/** A host that runs a model and ends without closing its session. */
final class WarmStartHost {
  static final MoeModelSpec SPEC =
      MoeModelSpec.small().withLayers(3).withExperts(16).withTopK(2).withSizes(32, 24);
  static final int TOKENS = 4;
  static final int SEED = 3;

  private WarmStartHost() {}

  /**
   * Runs it once.
   *
   * @param arguments model, state folder, on or off
   */
  @SuppressWarnings("resource") // That it isn't closed is the point.
  public static void main(String[] arguments) throws OrtException {
    Host host = Host.warmgate(Path.of(arguments[0]), SPEC, options(arguments[1], arguments[2]));
    host.run(TOKENS, SEED);
    System.exit(0);
  }

  static Map<String, String> options(String folder, String warm) {
    return Map.of(
        "expert_memory", "100%", "prefetch", "off", "state_dir", folder, "warm_start", warm);
  }
}
