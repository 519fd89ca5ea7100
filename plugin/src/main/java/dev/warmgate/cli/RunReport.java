package dev.warmgate.cli;

import com.google.gson.JsonObject;
import dev.warmgate.generate.Generation;
import dev.warmgate.metrics.LayerStats;
import dev.warmgate.metrics.ResidencyStats;
import dev.warmgate.metrics.RoutingStats;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** What {@code run} tells when it is done: an object for programs, a line for people. */
final class RunReport {
  private final Engine engine;
  private final List<JsonObject> texts = new ArrayList<>();
  private Optional<ResidencyStats> residency = Optional.empty();
  private Optional<RoutingStats> routing = Optional.empty();
  private List<LayerStats> layers = List.of();
  private Optional<ExpertUse> use = Optional.empty();
  private Optional<Generation> generation = Optional.empty();
  private Optional<String> text = Optional.empty();
  private int tokens;
  private double tokensPerSecond;

  RunReport(Engine engine) {
    this.engine = engine;
  }

  /** The only text. */
  void wrote(Generation written, Optional<String> asText) {
    generation = Optional.of(written);
    text = asText;
    tokens = written.tokens().size();
    // The speed of writing on; of the first token if there is but one.
    double step = written.decodeMillisPerToken();
    tokensPerSecond = 1000 / (step > 0 ? step : written.prefillMillis());
  }

  /** One of several texts. */
  void wrote(String prompt, String asText, SideBySide.Written written) {
    tokens += written.tokens().size();
    texts.add(
        Json.object(
            "prompt",
            prompt,
            "text",
            asText,
            "tokens",
            written.tokens().size(),
            "finish",
            lowerCase(written.finish()),
            "token_ids",
            written.tokens()));
  }

  /** What all texts together took, prompts included. */
  void took(long nanos) {
    tokensPerSecond = tokens * 1e9 / nanos;
  }

  void counted(
      Optional<ResidencyStats> newResidency,
      Optional<RoutingStats> newRouting,
      List<LayerStats> newLayers) {
    residency = newResidency;
    routing = newRouting;
    layers = List.copyOf(newLayers);
  }

  void used(ExpertUse newUse) {
    use = Optional.of(newUse);
  }

  private static String lowerCase(Generation.Finish finish) {
    return finish.name().toLowerCase(Locale.ROOT);
  }

  /**
   * The fields, and under {@code runs} each text's: the same again if there is but one, as {@code
   * demo} prints it, so that one reader serves both.
   */
  JsonObject json() {
    JsonObject report = Json.object("name", engine.name());
    report.add("precision", Json.of(engine.precision()));
    if (generation.isPresent()) {
      report.add("text", Json.of(text));
    }
    report.add("tokens", Json.of(tokens));
    report.add("tokens_per_s", Json.of(tokensPerSecond));
    Residency.addTo(report, residency);
    report.add("peak_rss_bytes", Json.of(ProcessMemory.peakBytes()));
    generation.ifPresent(
        written -> {
          report.add("finish", Json.of(lowerCase(written.finish())));
          report.add("token_ids", Json.of(written.tokens()));
          report.add("prefill_ms", Json.of(written.prefillMillis()));
          report.add("decode_ms_per_token", Json.of(written.decodeMillisPerToken()));
        });
    Residency.addTo(report, "routing", routing, layers);
    use.ifPresent(watched -> report.add("expert_use", Json.of(watched.counts())));
    JsonObject whole = report.deepCopy();
    whole.add("runs", Json.of(texts.isEmpty() ? List.of(report) : texts));
    return whole;
  }

  /** The same for people. */
  String line() {
    StringBuilder line =
        new StringBuilder()
            .append(Texts.count(tokens, "token"))
            .append(", ")
            .append(Texts.number(tokensPerSecond, 1))
            .append(" tokens/s");
    residency.ifPresent(stats -> line.append(", ").append(Residency.text(stats)));
    routing.ifPresent(stats -> line.append(", ").append(Residency.text(stats)));
    Residency.strengths(layers).ifPresent(strengths -> line.append(", ").append(strengths));
    ProcessMemory.peakBytes()
        .ifPresent(peak -> line.append(", peak memory ").append(Texts.bytes(peak)));
    return line.toString();
  }
}
