package dev.warmgate.host.ort;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtEpDevice;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.warmgate.config.WarmgateOptions;
import dev.warmgate.expert.MoeModel;
import dev.warmgate.kernels.NativeMemory;
import dev.warmgate.metrics.LayerStats;
import dev.warmgate.metrics.ResidencyStats;
import dev.warmgate.metrics.RoutingStats;
import dev.warmgate.residency.SharedExperts;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import org.bytedeco.javacpp.Loader;

/**
 * Warmgate as an execution provider of ONNX Runtime, for Java hosts:
 *
 * <pre>{@code
 * OrtEnvironment environment = OrtEnvironment.getEnvironment();
 * WarmgateProvider warmgate = WarmgateProvider.register(environment);
 * try (var options = new OrtSession.SessionOptions()) {
 *   warmgate.addTo(options, Map.of("expert_memory", "8g"));
 *   try (OrtSession session = environment.createSession("model.onnx", options)) { ... }
 * }
 * }</pre>
 *
 * <p>Thread-safe.
 */
public final class WarmgateProvider {
  private static WarmgateProvider registered;

  private final List<OrtEpDevice> devices;

  private WarmgateProvider(List<OrtEpDevice> devices) {
    this.devices = devices;
  }

  /**
   * Makes the provider known to the environment of this process; the second time nothing happens.
   *
   * @throws IllegalStateException in one line, if the native library isn't there for this platform
   *     or ONNX Runtime refuses it
   */
  public static synchronized WarmgateProvider register(OrtEnvironment environment) {
    if (registered == null) {
      Path library = library();
      EntryPoints.bind(library);
      try {
        environment.registerExecutionProviderLibrary(EpFactory.NAME, library.toString());
        registered = new WarmgateProvider(devices(environment));
      } catch (OrtException e) {
        throw new IllegalStateException(
            "ONNX Runtime refuses %s: %s".formatted(library, e.getMessage()), e);
      } catch (NoSuchMethodError e) {
        throw new IllegalStateException(
            "this ONNX Runtime's Java API has no plugin providers; it needs 1.24 or newer", e);
      }
    }
    return registered;
  }

  /**
   * Lets a session that is made with these options run its MoE nodes here.
   *
   * @param given Warmgate's session options; the user guide has their table
   * @throws IllegalArgumentException in one line that names the option, if one is unknown or wrong
   * @throws OrtException if ONNX Runtime refuses
   */
  public void addTo(OrtSession.SessionOptions options, Map<String, String> given)
      throws OrtException {
    WarmgateOptions.parse(given);
    options.addExecutionProvider(devices, given);
  }

  /** What the expert caches of this process did so far, those closed by now included. */
  public ResidencyStats statistics() {
    return SharedExperts.statistics();
  }

  /**
   * What the caches of a model did since they were opened.
   *
   * @param model the model's file, as the session was given it
   * @return empty if no session has it open, or it has no layer that is served
   */
  public Optional<ResidencyStats> statistics(Path model) {
    return MoeModel.openOn(model.toAbsolutePath().normalize()).map(MoeModel::statistics);
  }

  /** Bytes of native memory that Warmgate holds in this process now: slots and scratch. */
  public long nativeBytes() {
    return SharedExperts.bytesMapped() + NativeMemory.bytesInUse();
  }

  /**
   * What bounded-loss routing did in this process so far, sessions closed by now included; nothing
   * is counted in lossless mode.
   */
  public RoutingStats routingStatistics() {
    return MoeModel.allRoutingStatistics();
  }

  /**
   * What bounded-loss routing did layer by layer, with the state of adaptive strengths, in the
   * sessions that are open now.
   */
  public List<LayerStats> layerStatistics() {
    return MoeModel.openLayers();
  }

  private static List<OrtEpDevice> devices(OrtEnvironment environment) throws OrtException {
    return environment.getEpDevices().stream()
        .filter(device -> device.getEpName().equals(EpFactory.NAME))
        .limit(1)
        .toList();
  }

  /** The shim library for this platform, as a file. */
  static Path library() {
    String platform = Loader.getPlatform();
    String index = platform + "/library.properties";
    try (InputStream in = WarmgateProvider.class.getResourceAsStream(index)) {
      if (in == null) {
        throw new IllegalStateException("there is no Warmgate library for " + platform);
      }
      Properties properties = new Properties();
      properties.load(in);
      String name = properties.getProperty("library");
      return Loader.cacheResource(WarmgateProvider.class, platform + "/" + name).toPath();
    } catch (IOException e) {
      throw new IllegalStateException("can't unpack the Warmgate library: " + e.getMessage(), e);
    }
  }
}
