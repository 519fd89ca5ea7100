package dev.warmgate.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import dev.warmgate.metrics.ControllerState;
import dev.warmgate.metrics.LayerStats;
import dev.warmgate.metrics.ResidencyStats;
import dev.warmgate.metrics.RoutingStats;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Counters as users see them, counted or not. */
class CounterReportsTest {
  private static final RoutingStats ROUTED = new RoutingStats(4, 8, 2, 4, 3, 0.25f);

  @Test
  void withoutMetricsThereIsNoHitRateAndNotAPerfectOne() {
    JsonObject report = new JsonObject();
    Residency.addTo(report, Optional.of(ResidencyStats.NONE));
    for (String field : List.of("hit_rate", "hits", "misses")) {
      assertTrue(report.get(field).isJsonNull(), field);
    }
    assertEquals(0, report.get("bytes_read").getAsLong());
    assertTrue(Residency.text(ResidencyStats.NONE).startsWith("hit rate not counted"));
  }

  @Test
  void layersTellWhatTheirControllersSee() {
    var state = new ControllerState(0.3f, 0.75, 0.9, 7);
    List<LayerStats> layers =
        List.of(
            new LayerStats("first", ROUTED, Optional.of(state)),
            new LayerStats("second", ROUTED, Optional.empty()));
    JsonObject report = new JsonObject();
    Residency.addTo(report, "routing", Optional.of(ROUTED), layers);
    assertEquals(
        "{\"routing\":{\"agreement\":0.5,\"mass_kept\":0.75,\"hit_rate\":0.75,\"lambda\":0.25,"
            + "\"layers\":[{\"layer\":\"first\",\"agreement\":0.5,\"mass_kept\":0.75,"
            + "\"hit_rate\":0.75,\"lambda\":0.25,\"controller\":{\"lambda\":0.3,\"hit_rate\":0.75,"
            + "\"mass_kept\":0.9,\"periods\":7}},{\"layer\":\"second\",\"agreement\":0.5,"
            + "\"mass_kept\":0.75,\"hit_rate\":0.75,\"lambda\":0.25}]}}",
        Json.text(report));
    assertEquals(Optional.of("lambda 0.300 to 0.300 by layer"), Residency.strengths(layers));
    assertEquals(Optional.empty(), Residency.strengths(layers.subList(1, 2)));
  }

  @Test
  void withoutRoutingCountersNothingIsSaid() {
    JsonObject report = new JsonObject();
    Residency.addTo(report, "routing", Optional.empty(), List.of());
    assertEquals("{}", Json.text(report));
  }

  @Test
  void anEvaluationNeedsMetrics() {
    List<String> memory = List.of("50%");
    List<String> routing = List.of("lossless");
    List<String> lambda = List.of("0.1");
    assertEquals(1, EvaluationCase.all(memory, routing, lambda, Map.of("metrics", "on")).size());
    var e =
        assertThrows(
            IllegalArgumentException.class,
            () -> EvaluationCase.all(memory, routing, lambda, Map.of("metrics", "off")));
    assertTrue(e.getMessage().startsWith("option metrics:"), e.getMessage());
  }
}
