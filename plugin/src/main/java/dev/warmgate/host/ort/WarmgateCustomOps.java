package dev.warmgate.host.ort;

import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.warmgate.config.WarmgateOptions;
import java.nio.file.Path;
import java.util.Map;

/**
 * Warmgate's operators for adapted models, for Java hosts whose ONNX Runtime has no plugin
 * providers.
 *
 * <pre>{@code
 * try (var options = new OrtSession.SessionOptions()) {
 *   WarmgateCustomOps.addTo(options, Map.of("expert_memory", "8g"));
 *   try (OrtSession session = environment.createSession("adapted/model.onnx", options)) { ... }
 * }
 * }</pre>
 */
public final class WarmgateCustomOps {
  private WarmgateCustomOps() {}

  /**
   * Lets a session that is made with these options run adapted models.
   *
   * @param given Warmgate's session options, which count more than those beside the model
   * @throws IllegalArgumentException in one line that names the option, if one is unknown or wrong
   * @throws IllegalStateException in one line, if the native library isn't there for this platform
   * @throws OrtException if ONNX Runtime refuses
   */
  public static void addTo(OrtSession.SessionOptions options, Map<String, String> given)
      throws OrtException {
    WarmgateOptions.parse(given);
    for (Map.Entry<String, String> option : given.entrySet()) {
      options.addConfigEntry(EpFactory.OPTION_PREFIX + option.getKey(), option.getValue());
    }
    Path library = WarmgateProvider.library();
    EntryPoints.bind(library);
    options.registerCustomOpLibrary(library.toString());
  }
}
