package dev.warmgate.config;

import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/**
 * How experts are selected.
 *
 * @param mode the policy
 * @param lambda strength of the bias towards resident experts; the start, if it adapts
 * @param keepTop so many best experts of a token are never displaced; empty for the layer's
 *     default, see {@link #keepTop(int)}
 * @param maxRank the lowest rank from which a resident expert may be taken; empty for the layer's
 *     default, see {@link #maxRank(int, int)}
 * @param targetHitRate what an adaptive lambda aims at; empty if lambda is fixed
 * @param minMassKept the gate mass that an adaptive lambda must keep
 * @param absentShare which part of the absent experts that a batch wants is read for it
 */
public record RoutingOptions(
    Mode mode,
    float lambda,
    OptionalInt keepTop,
    OptionalInt maxRank,
    OptionalDouble targetHitRate,
    double minMassKept,
    double absentShare) {

  /** A routing policy. */
  public enum Mode {
    /** The model's own selection. */
    LOSSLESS,
    /** A bias towards resident experts in proportion to the range of the logits. */
    CACHE_PRIOR,
    /** Resident experts of good rank before absent ones. */
    MAX_RANK,
    /** A fixed bias on the logits; it isn't scale-free and is here for comparison. */
    ADDITIVE,
    /** In batches, only the most wanted of the absent experts are read. */
    CAPACITY
  }

  private static final float DEFAULT_LAMBDA = 0.1f;
  private static final float DEFAULT_BONUS = 0.15f;
  private static final int DEFAULT_KEEP_TOP = 2;
  private static final int DEFAULT_MAX_RANK = 12;

  /** The options that each mode has. */
  private static final Map<String, List<Mode>> APPLY =
      Map.of(
          "routing.lambda", List.of(Mode.CACHE_PRIOR, Mode.ADDITIVE),
          "routing.keep_top", List.of(Mode.CACHE_PRIOR, Mode.MAX_RANK),
          "routing.max_rank", List.of(Mode.MAX_RANK),
          "routing.target_hit_rate", List.of(Mode.CACHE_PRIOR),
          "routing.min_mass_kept", List.of(Mode.CACHE_PRIOR),
          "routing.absent_share", List.of(Mode.CAPACITY));

  /**
   * Reads the options whose names begin with {@code routing}.
   *
   * @throws IllegalArgumentException in one line that names the option
   */
  static RoutingOptions parse(Map<String, String> given) {
    Mode mode = WarmgateOptions.choice(given, "routing", Mode.class).orElse(Mode.LOSSLESS);
    for (var option : APPLY.entrySet()) {
      if (given.containsKey(option.getKey()) && !option.getValue().contains(mode)) {
        throw new IllegalArgumentException(
            "option %s: has no meaning with routing=%s"
                .formatted(option.getKey(), WarmgateOptions.id(mode)));
      }
    }
    OptionalDouble target = share(given, "routing.target_hit_rate");
    if (target.isEmpty() && given.containsKey("routing.min_mass_kept")) {
      throw new IllegalArgumentException(
          "option routing.min_mass_kept: has no meaning without routing.target_hit_rate");
    }
    double lambda = mode == Mode.ADDITIVE ? DEFAULT_BONUS : DEFAULT_LAMBDA;
    return new RoutingOptions(
        mode,
        (float) number(given, "routing.lambda", 0, 10, lambda),
        whole(given, "routing.keep_top", 0, 64),
        whole(given, "routing.max_rank", 1, 1024),
        target,
        share(given, "routing.min_mass_kept").orElse(0.98),
        number(given, "routing.absent_share", 0, 1, 0.5));
  }

  /**
   * How many best experts of a token are never displaced in a layer that selects {@code topK}: by
   * default 2, but one less than all, since otherwise nothing could ever be displaced.
   */
  public int keepTop(int topK) {
    return Math.min(keepTop.orElse(Math.min(DEFAULT_KEEP_TOP, topK - 1)), topK);
  }

  /**
   * The lowest rank from which a resident expert may be taken in a layer of {@code experts}: by
   * default 12, but at most half of them, since the rest are hardly the gate's choice.
   */
  public int maxRank(int experts, int topK) {
    return maxRank.orElse(Math.max(topK, Math.min(DEFAULT_MAX_RANK, experts / 2)));
  }

  /** Whether the selection is the model's own. */
  public boolean lossless() {
    return mode == Mode.LOSSLESS;
  }

  private static OptionalDouble share(Map<String, String> given, String name) {
    return given.getOrDefault(name, "off").strip().equals("off")
        ? OptionalDouble.empty()
        : OptionalDouble.of(number(given, name, 0, 1, 0));
  }

  private static OptionalInt whole(Map<String, String> given, String name, int min, int max) {
    if (!given.containsKey(name)) {
      return OptionalInt.empty();
    }
    double value = number(given, name, min, max, min);
    if (value != Math.rint(value)) {
      throw bad(name, given.get(name), "a whole number", min, max);
    }
    return OptionalInt.of((int) value);
  }

  private static double number(
      Map<String, String> given, String name, double min, double max, double otherwise) {
    String text = given.get(name);
    if (text == null) {
      return otherwise;
    }
    // Digits only: parseDouble would take NaN, hexadecimal and a trailing f too.
    if (text.strip().matches("\\d{1,9}(\\.\\d{1,9})?|\\.\\d{1,9}")) {
      double value = Double.parseDouble(text.strip());
      if (value >= min && value <= max) {
        return value;
      }
    }
    throw bad(name, text, "a number", min, max);
  }

  private static IllegalArgumentException bad(
      String name, String value, String what, double min, double max) {
    return new IllegalArgumentException(
        "option %s: '%s' is not %s from %.0f to %.0f".formatted(name, value, what, min, max));
  }
}
