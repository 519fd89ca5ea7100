package dev.warmgate.cli;

import dev.warmgate.config.RoutingOptions;
import dev.warmgate.config.WarmgateOptions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * One way to serve a model, to be measured.
 *
 * @param routing the mode, or {@link #ADAPTIVE}
 * @param lambda the fixed strength of {@code cache-prior}
 * @param memory for experts, as it was asked for
 * @param options all session options, checked
 */
record EvaluationCase(
    String routing, Optional<Double> lambda, String memory, Map<String, String> options) {

  static final String LOSSLESS = id(RoutingOptions.Mode.LOSSLESS);

  /** {@code cache-prior} whose strength follows two targets. */
  static final String ADAPTIVE = "adaptive";

  static final String CACHE_PRIOR = id(RoutingOptions.Mode.CACHE_PRIOR);
  private static final String MAX_RANK = id(RoutingOptions.Mode.MAX_RANK);
  private static final String CAPACITY = id(RoutingOptions.Mode.CAPACITY);

  /**
   * All cases, by budget, then by routing, then by strength, each in the order given.
   *
   * @param lambdas for {@code cache-prior}
   * @param others session options for all cases; those that only some modes have go to these
   * @throws IllegalArgumentException in one line that names the flag or option, if one is unknown
   *     or makes no sense
   */
  static List<EvaluationCase> all(
      List<String> memories,
      List<String> routings,
      List<String> lambdas,
      Map<String, String> others) {
    refuse(others, "expert_memory", "--expert-memory");
    refuse(others, "routing", "--routing");
    refuse(others, "routing.lambda", "--lambda");
    if (!WarmgateOptions.parse(Map.of("metrics", others.getOrDefault("metrics", "on"))).metrics()) {
      throw new IllegalArgumentException("option metrics: an evaluation needs it on");
    }
    for (String option : others.keySet()) {
      if (routings.stream().noneMatch(routing -> applies(option, routing))) {
        throw new IllegalArgumentException(
            "option %s: has no meaning with --routing %s"
                .formatted(option, String.join(",", routings)));
      }
    }
    List<EvaluationCase> cases = new ArrayList<>();
    for (String memory : memories) {
      for (String routing : routings) {
        Map<String, String> options = options(routing, memory, others);
        if (routing.equals(CACHE_PRIOR)) {
          for (String lambda : lambdas) {
            Map<String, String> strong = new LinkedHashMap<>(options);
            strong.put("routing.lambda", lambda);
            // Parsed first, since it takes fewer spellings of a number than Java does.
            WarmgateOptions.parse(strong);
            Double value = Double.valueOf(lambda.strip());
            cases.add(new EvaluationCase(routing, Optional.of(value), memory, strong));
          }
        } else {
          WarmgateOptions.parse(options);
          cases.add(new EvaluationCase(routing, Optional.empty(), memory, options));
        }
      }
    }
    return List.copyOf(cases);
  }

  /** What others are compared with: the model's own routing. */
  static EvaluationCase reference(String memory, Map<String, String> others) {
    return new EvaluationCase(
        LOSSLESS, Optional.empty(), memory, options(LOSSLESS, memory, others));
  }

  private static void refuse(Map<String, String> others, String option, String flag) {
    if (others.containsKey(option)) {
      throw new IllegalArgumentException("option %s: use %s".formatted(option, flag));
    }
  }

  private static Map<String, String> options(
      String routing, String memory, Map<String, String> others) {
    Map<String, String> options = new LinkedHashMap<>();
    options.put("expert_memory", memory);
    if (routing.equals(ADAPTIVE)) {
      options.put("routing", CACHE_PRIOR);
      options.put("routing.target_hit_rate", "0.9");
    } else if (Arrays.stream(RoutingOptions.Mode.values()).anyMatch(m -> id(m).equals(routing))) {
      options.put("routing", routing);
    } else {
      throw new IllegalArgumentException(
          "--routing: '%s' is neither %s nor a routing mode".formatted(routing, ADAPTIVE));
    }
    others.forEach(
        (option, value) -> {
          if (applies(option, routing)) {
            options.put(option, value);
          }
        });
    return options;
  }

  /** Whether a case has an option; that a name is unknown is found out by the parser. */
  private static boolean applies(String option, String routing) {
    return switch (option) {
      case "routing.keep_top" -> List.of(CACHE_PRIOR, ADAPTIVE, MAX_RANK).contains(routing);
      case "routing.max_rank" -> routing.equals(MAX_RANK);
      case "routing.absent_share" -> routing.equals(CAPACITY);
      case "routing.target_hit_rate", "routing.min_mass_kept" -> routing.equals(ADAPTIVE);
      default -> true;
    };
  }

  private static String id(RoutingOptions.Mode mode) {
    return mode.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
