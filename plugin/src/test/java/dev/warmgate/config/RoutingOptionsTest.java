package dev.warmgate.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warmgate.config.RoutingOptions.Mode;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RoutingOptionsTest {

  @Test
  void nothingSaidIsLossless() {
    assertEquals(Mode.LOSSLESS, WarmgateOptions.defaults().routing().mode());
    assertTrue(WarmgateOptions.defaults().routing().lossless());
  }

  @Test
  void cachePriorHasItsDefaults() {
    assertEquals(
        new RoutingOptions(
            Mode.CACHE_PRIOR,
            0.1f,
            OptionalInt.empty(),
            OptionalInt.empty(),
            OptionalDouble.empty(),
            0.98,
            0.5),
        parse("cache-prior"));
  }

  @Test
  void somethingCanBeDisplacedByDefault() {
    assertEquals(2, parse("cache-prior").keepTop(8));
    assertEquals(1, parse("cache-prior").keepTop(2));
    assertEquals(0, parse("cache-prior").keepTop(1));
    assertEquals(4, parse("cache-prior", "routing.keep_top", "9").keepTop(4));
    assertEquals(12, parse("max-rank").maxRank(64, 8));
    assertEquals(8, parse("max-rank").maxRank(16, 2));
    assertEquals(4, parse("max-rank").maxRank(4, 4));
  }

  @Test
  void everyOptionIsRead() {
    assertEquals(
        new RoutingOptions(
            Mode.CACHE_PRIOR,
            0.25f,
            OptionalInt.of(1),
            OptionalInt.empty(),
            OptionalDouble.of(0.8),
            0.9,
            0.5),
        parse(
            "cache-prior",
            "routing.lambda",
            "0.25",
            "routing.keep_top",
            "1",
            "routing.target_hit_rate",
            ".8",
            "routing.min_mass_kept",
            "0.9"));
    assertEquals(5, parse("max-rank", "routing.max_rank", "5").maxRank(64, 8));
    assertEquals(0.15f, parse("additive").lambda());
  }

  @ParameterizedTest
  @CsvSource({
    "lossless, routing.lambda, 0.1",
    "max-rank, routing.lambda, 0.1",
    "cache-prior, routing.max_rank, 9",
    "additive, routing.target_hit_rate, 0.9",
    "cache-prior, routing.min_mass_kept, 0.9",
    "cache-prior, routing.lambda, -1",
    "cache-prior, routing.lambda, NaN",
    "cache-prior, routing.lambda, 1e3",
    "cache-prior, routing.lambda, 11",
    "cache-prior, routing.keep_top, 1.5",
    "cache-prior, routing.keep_top, 65",
    "max-rank, routing.max_rank, 0",
    "cache-prior, routing.target_hit_rate, 1.1",
    "cache-prior, routing.absent_share, 1",
    "capacity, routing.absent_share, -1",
    "capacity, routing.keep_top, 2",
    "sometimes, routing, ''",
  })
  void aBadOrContradictoryValueIsNamed(String mode, String name, String value) {
    String[] more = name.equals("routing") ? new String[0] : new String[] {name, value};
    var e = assertThrows(IllegalArgumentException.class, () -> parse(mode, more));
    assertTrue(e.getMessage().startsWith("option " + name + ": "), e.getMessage());
    assertEquals(1, e.getMessage().lines().count());
  }

  private static RoutingOptions parse(String mode, String... more) {
    Map<String, String> given = new HashMap<>(Map.of("routing", mode));
    for (int i = 0; i < more.length; i += 2) {
      given.put(more[i], more[i + 1]);
    }
    return WarmgateOptions.parse(given).routing();
  }
}
