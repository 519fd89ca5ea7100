package dev.warmgate.config;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

/** The ends of each option's range belong to it. */
class RoutingOptionsLimitsTest {

  private static RoutingOptions parse(String mode, String name, String value) {
    return WarmgateOptions.parse(Map.of("routing", mode, name, value)).routing();
  }

  @Test
  void theLowestAndTheHighestValueAreTaken() {
    assertEquals(0, parse("cache-prior", "routing.lambda", "0").lambda());
    assertEquals(10, parse("cache-prior", "routing.lambda", "10").lambda());
    assertEquals(10, parse("additive", "routing.lambda", "10.0").lambda());
    assertEquals(OptionalInt.of(0), parse("max-rank", "routing.keep_top", "0").keepTop());
    assertEquals(OptionalInt.of(64), parse("cache-prior", "routing.keep_top", "64").keepTop());
    assertEquals(OptionalInt.of(1), parse("max-rank", "routing.max_rank", "1").maxRank());
    assertEquals(OptionalInt.of(1024), parse("max-rank", "routing.max_rank", "1024").maxRank());
    for (double end : new double[] {0, 1}) {
      String text = Double.toString(end);
      assertEquals(
          OptionalDouble.of(end),
          parse("cache-prior", "routing.target_hit_rate", text).targetHitRate());
      assertEquals(end, parse("capacity", "routing.absent_share", text).absentShare());
    }
  }

  @Test
  void offIsNoTarget() {
    RoutingOptions off = parse("cache-prior", "routing.target_hit_rate", " off ");
    assertEquals(OptionalDouble.empty(), off.targetHitRate());
    assertEquals(off, WarmgateOptions.parse(Map.of("routing", "cache-prior")).routing());
  }
}
