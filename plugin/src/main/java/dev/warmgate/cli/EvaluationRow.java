package dev.warmgate.cli;

import com.google.gson.JsonObject;
import dev.warmgate.generate.TextScore;
import dev.warmgate.metrics.ResidencyStats;
import dev.warmgate.metrics.RoutingStats;
import java.util.List;
import java.util.Optional;

/**
 * What one case of an evaluation came to.
 *
 * @param routing the mode, {@code adaptive} or {@code stock}
 * @param lambda the strength of the bias: as given, or what an adaptive one ended with
 * @param memory for experts, as it was asked for; empty for stock
 * @param divergence from lossless routing's next-token distribution, the mean over tokens in nats
 * @param residency of this case alone
 * @param routed of this case alone
 * @param lambdas how adaptive strengths moved: every 32 tokens, layer by layer; else empty
 */
record EvaluationRow(
    String routing,
    Optional<Double> lambda,
    Optional<String> memory,
    TextScore score,
    Optional<Double> divergence,
    Optional<ResidencyStats> residency,
    Optional<RoutingStats> routed,
    List<List<Float>> lambdas) {

  /** The row of stock ONNX Runtime. */
  static EvaluationRow stock(TextScore score) {
    return new EvaluationRow(
        "stock",
        Optional.empty(),
        Optional.empty(),
        score,
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        List.of());
  }

  boolean lossless() {
    return routing.equals(EvaluationCase.LOSSLESS);
  }

  double hitRate() {
    return residency.orElseThrow().hitRate();
  }

  /** How much worse the text was foreseen than in another row, as a share. */
  double cost(EvaluationRow other) {
    return score.perplexity() / other.score.perplexity() - 1;
  }

  /** {@code cache-prior 0.1}. */
  String name() {
    return lambda.map(value -> routing + " " + value(value)).orElse(routing);
  }

  /**
   * The row for machines.
   *
   * @param bytes of the text that was scored
   */
  JsonObject json(int bytes) {
    JsonObject json =
        Json.object(
            "routing",
            routing,
            "lambda",
            lambda,
            "expert_memory",
            memory,
            "perplexity",
            score.perplexity(),
            "bits_per_byte",
            score.bitsPerByte(bytes),
            "agreement",
            routed.map(RoutingStats::agreement),
            "mass_kept",
            routed.map(RoutingStats::massKept),
            "kl",
            divergence,
            "tokens_per_s",
            score.tokensPerSecond());
    Residency.addTo(json, residency);
    if (!lambdas.isEmpty()) {
      json.add("lambda_by_layer_every_32_tokens", Json.of(lambdas));
    }
    return json;
  }

  String[] cells(EvaluationRow stock) {
    return new String[] {
      routing,
      memory.orElse(""),
      lambda.map(EvaluationRow::value).orElse(""),
      Texts.number(score.perplexity(), 3),
      signedPercent(cost(stock)),
      routed.map(stats -> Texts.percent(stats.agreement())).orElse(""),
      routed.map(stats -> Texts.percent(stats.massKept())).orElse(""),
      divergence.map(value -> Texts.number(value, 4)).orElse(""),
      residency.map(stats -> Texts.percent(stats.hitRate())).orElse(""),
      residency.map(stats -> Texts.bytes(stats.bytesRead())).orElse(""),
      Texts.number(score.tokensPerSecond(), 1)
    };
  }

  /** {@code +0.35 %}. */
  static String signedPercent(double share) {
    String number = Texts.number(100 * share, 2);
    if (number.matches("-?0\\.0+")) {
      return "0 %";
    }
    return (number.startsWith("-") ? "" : "+") + number + " %";
  }

  private static String value(double lambda) {
    return Texts.number(lambda, 3).replaceFirst("0+$", "").replaceFirst("\\.$", "");
  }
}
