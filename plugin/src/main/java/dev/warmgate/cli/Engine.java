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
  private final String name;
  private final OptionalInt threads;
  private final Optional<Map<String, String>> options;

  private Engine(String name, OptionalInt threads, Optional<Map<String, String>> options) {
    this.name = name;
    this.threads = threads;
    this.options = options;
  }

  /** ONNX Runtime as it is. */
  static Engine stock(EngineOptions given) {
    WarmgateOptions.parse(given.sessionOptions());
    return new Engine("stock", given.threads(), Optional.empty());
  }

  /**
   * ONNX Runtime with Warmgate.
   *
   * @throws IllegalArgumentException if an option is unknown or makes no sense
   */
  static Engine warmgate(EngineOptions given) {
    WarmgateOptions parsed = WarmgateOptions.parse(given.sessionOptions());
    return new Engine(
        parsed.routing().mode().name().toLowerCase(Locale.ROOT).replace('_', '-'),
        given.threads(),
        Optional.of(given.sessionOptions()));
  }

  /** One environment a process; quiet but for errors. */
  static OrtEnvironment environment() {
    return OrtEnvironment.getEnvironment(OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR);
  }

  private static WarmgateProvider provider() {
    try {
      return WarmgateProvider.register(environment());
    } catch (IllegalStateException e) {
      throw new CommandFailure(Main.FAILED, e.getMessage());
    }
  }

  /** {@code stock}, or the routing mode. */
  String name() {
    return name;
  }

  /** What quantised experts, if there are any, are multiplied by; empty for stock. */
  Optional<String> precision() {
    return options.map(
        given -> WarmgateOptions.parse(given).precision().name().toLowerCase(Locale.ROOT));
  }

  /** Prepares a session's options. */
  SessionSetup setup() {
    return session -> {
      session.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR);
      if (threads.isPresent()) {
        session.setIntraOpNumThreads(threads.getAsInt());
      }
      if (options.isPresent()) {
        provider().addTo(session, options.get());
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
    return options.isPresent() ? SessionModel.asItIs(model) : SessionModel.withoutStore(model);
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
    return options.isPresent() ? Optional.of(provider().statistics()) : Optional.empty();
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
    Optional<WarmgateOptions> parsed = options.map(WarmgateOptions::parse);
    return parsed.isPresent() && parsed.get().metrics() && !parsed.get().routing().lossless();
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
