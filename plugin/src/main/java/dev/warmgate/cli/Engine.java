package dev.warmgate.cli;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import dev.warmgate.config.WarmgateOptions;
import dev.warmgate.expert.MoeModel;
import dev.warmgate.generate.DecoderModel;
import dev.warmgate.generate.GenAiConfig;
import dev.warmgate.generate.SessionSetup;
import dev.warmgate.host.ort.WarmgateProvider;
import dev.warmgate.metrics.LayerStats;
import dev.warmgate.metrics.ResidencyStats;
import dev.warmgate.metrics.RoutingStats;
import dev.warmgate.onnx.AdaptedNode;
import dev.warmgate.onnx.OnnxModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/** ONNX Runtime with the plugin, or without. */
final class Engine {
  private final OptionalInt threads;
  private final Optional<Plugin> plugin;

  /**
   * Warmgate in a session.
   *
   * @param given as it was typed, for the session
   * @param options what that means
   */
  private record Plugin(Map<String, String> given, WarmgateOptions options) {
    static Plugin of(EngineOptions given) {
      Map<String, String> options = given.sessionOptions();
      return new Plugin(options, WarmgateOptions.parse(options));
    }
  }

  private Engine(OptionalInt threads, Optional<Plugin> plugin) {
    this.threads = threads;
    this.plugin = plugin;
  }

  /**
   * ONNX Runtime as it is.
   *
   * @throws IllegalArgumentException if one of Warmgate's options is unknown or makes no sense
   */
  static Engine stock(EngineOptions given) {
    WarmgateOptions.parse(given.sessionOptions());
    return new Engine(given.threads(), Optional.empty());
  }

  /**
   * ONNX Runtime with Warmgate.
   *
   * @throws IllegalArgumentException if an option is unknown or makes no sense
   */
  static Engine warmgate(EngineOptions given) {
    Plugin plugin = Plugin.of(given); // bad options first: threads are read from them
    return new Engine(given.threads(), Optional.of(plugin));
  }

  /** One environment a process; quiet but for errors. */
  static OrtEnvironment environment() {
    return OrtEnvironment.getEnvironment(OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR);
  }

  private static WarmgateProvider provider() {
    try {
      return WarmgateProvider.register(environment());
    } catch (IllegalStateException e) {
      throw new CommandFailure(e.getMessage());
    }
  }

  /** {@code stock}, or the routing mode. */
  String name() {
    return plugin.map(p -> lowerCase(p.options.routing().mode()).replace('_', '-')).orElse("stock");
  }

  /** What quantised experts, if there are any, are multiplied by; empty for stock. */
  Optional<String> precision() {
    return plugin.map(p -> lowerCase(p.options.precision()));
  }

  private static String lowerCase(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }

  /** Prepares a session's options. */
  SessionSetup setup() {
    return session -> {
      session.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR);
      if (threads.isPresent()) {
        session.setIntraOpNumThreads(threads.getAsInt());
      }
      if (plugin.isPresent()) {
        provider().addTo(session, plugin.get().given);
      }
    };
  }

  /**
   * Creates a session.
   *
   * @throws IOException if the model can't be used
   */
  OrtSession open(Path model) throws IOException {
    try (OrtSession.SessionOptions session = new OrtSession.SessionOptions();
        SessionModel loaded = sessionModel(model)) {
      setup().apply(session);
      return environment().createSession(loaded.model().toString(), session);
    } catch (OrtException e) {
      throw unusable(model, e);
    }
  }

  /**
   * Opens a decoder model.
   *
   * @throws IOException if it can't be used
   */
  DecoderModel openDecoder(Path directory) throws IOException {
    try (SessionModel loaded = sessionModel(GenAiConfig.read(directory).model())) {
      return DecoderModel.open(environment(), loaded.folderOr(directory), setup());
    } catch (OrtException e) {
      throw unusable(GenAiConfig.read(directory).model(), e);
    }
  }

  /** What a session can read: ONNX Runtime alone can't read a store. */
  private SessionModel sessionModel(Path model) throws IOException {
    return plugin.isPresent() ? SessionModel.asItIs(model) : SessionModel.withoutStore(model);
  }

  /**
   * Why ONNX Runtime, or the plugin in it, can't make a session of a model: in our own reader's
   * words if it has any, since those name the file and the tensor.
   */
  static IOException unusable(Path model, OrtException error) {
    try {
      if (OnnxModel.read(model).graph().nodes().stream().anyMatch(AdaptedNode::is)) {
        return new IOException(
            model + ": is an adapted model, for hosts with custom ops; commands run its original");
      }
    } catch (IOException e) {
      return e;
    }
    String reason = Texts.oneLine(String.valueOf(error.getMessage()));
    return new IOException(
        reason.contains(model.toString()) ? reason : model + ": " + reason, error);
  }

  /** What the caches did since the process started; empty for stock. */
  Optional<ResidencyStats> statistics() {
    return plugin.isPresent() ? Optional.of(provider().statistics()) : Optional.empty();
  }

  /** What the routing policy did; empty for stock, for lossless routing and without metrics. */
  Optional<RoutingStats> routingStatistics() {
    return countsRouting() ? Optional.of(provider().routingStatistics()) : Optional.empty();
  }

  /** The same of each layer of the sessions that are open. */
  List<LayerStats> layerStatistics() {
    return countsRouting() ? provider().layerStatistics() : List.of();
  }

  private boolean countsRouting() {
    return plugin
        .map(Plugin::options)
        .filter(options -> options.metrics() && !options.routing().lossless())
        .isPresent();
  }

  /**
   * The layers of a decoder model that is open on Warmgate.
   *
   * @param directory of the model
   * @throws IOException in one line, if none is served
   */
  static MoeModel layers(Path directory) throws IOException {
    Path file = GenAiConfig.read(directory).model().toAbsolutePath().normalize();
    return MoeModel.openOn(file)
        .orElseThrow(() -> new IOException(file + ": has no layer that Warmgate serves"));
  }
}
