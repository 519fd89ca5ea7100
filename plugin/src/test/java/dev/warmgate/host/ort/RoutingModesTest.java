package dev.warmgate.host.ort;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OrtException;
import dev.warmgate.metrics.ResidencyStats;
import dev.warmgate.metrics.RoutingStats;
import dev.warmgate.onnx.MoeModelSpec;
import dev.warmgate.onnx.MoeModels;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Bounded-loss routing as a host sees it. */
class RoutingModesTest {
  private static final MoeModelSpec SPEC =
      MoeModelSpec.small().withLayers(2).withExperts(32).withTopK(4).withSizes(24, 16);
  private static final int TOKENS = 300;

  @TempDir Path folder;
  private Path model;

  /** What a run of single tokens gave. */
  private record Outcome(List<float[]> outputs, ResidencyStats residency, RoutingStats routing) {}

  @BeforeEach
  void writeModel() throws IOException {
    model = MoeModels.write(folder.resolve("model.onnx"), SPEC);
  }

  @Test
  void aBiasOfNothingIsLosslessToTheBit() throws OrtException {
    Outcome lossless = run(Map.of());
    Outcome unbiased = run(Map.of("routing", "cache-prior", "routing.lambda", "0"));
    for (int i = 0; i < TOKENS; i++) {
      assertArrayEquals(lossless.outputs.get(i), unbiased.outputs.get(i), "token " + i);
    }
    assertEquals(1, unbiased.routing.agreement());
    assertEquals(1, unbiased.routing.massKept(), 1e-6);
  }

  @Test
  void withAllExpertsResidentNothingIsLost() throws OrtException {
    Map<String, String> all = Map.of("expert_memory", "100%");
    Outcome lossless = run(all);
    // The first pass made every expert resident that these tokens want; caches are shared.
    try (Host keeper = Host.warmgate(model, SPEC, all)) {
      keeper.run(2000, 99);
      Outcome biased = run(with(all, "routing", "cache-prior", "routing.lambda", "0.5"));
      for (int i = 0; i < TOKENS; i++) {
        assertArrayEquals(lossless.outputs.get(i), biased.outputs.get(i), "token " + i);
      }
      assertEquals(1, biased.routing.agreement());
    }
  }

  @Test
  void moreBiasMeansMoreHitsAndLessMass() throws OrtException {
    double lastHits = run(Map.of()).residency.hitRate();
    double lastMass = 1;
    for (String lambda : List.of("0.1", "0.3", "1")) {
      Outcome outcome = run(Map.of("routing", "cache-prior", "routing.lambda", lambda));
      assertTrue(outcome.residency.hitRate() > lastHits, lambda + ": " + outcome.residency);
      assertTrue(outcome.routing.massKept() < lastMass, lambda + ": " + outcome.routing);
      assertTrue(outcome.residency.peakSlotBytes() <= outcome.residency.budgetBytes());
      lastHits = outcome.residency.hitRate();
      lastMass = outcome.routing.massKept();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "max-rank, routing.max_rank, 12",
    "additive, routing.lambda, 2",
    "cache-prior, routing.lambda, 0.3"
  })
  void displacedExpertsAreReadInTheBackground(String mode, String strength, String value)
      throws OrtException {
    Outcome outcome = run(Map.of("routing", mode, strength, value));
    assertTrue(outcome.routing.displaced() > 0, outcome.routing.toString());
    assertTrue(outcome.residency.prefetches() > 0, outcome.residency.toString());
    assertTrue(outcome.residency.hitRate() > run(Map.of()).residency.hitRate());
  }

  @Test
  void anAdaptiveBiasKeepsTheMassThatWasAskedFor() throws OrtException {
    Outcome outcome =
        run(
            Map.of(
                "routing",
                "cache-prior",
                "routing.target_hit_rate",
                "1",
                "routing.min_mass_kept",
                "0.99",
                "routing.lambda",
                "0.01"));
    assertTrue(outcome.routing.massKept() > 0.98, outcome.routing.toString());
    assertTrue(outcome.routing.lambda() > 0.01f, outcome.routing.toString());
  }

  @Test
  void capacitiesSpareABatchReads() throws OrtException {
    // A longer text comes in pieces; what the last one read is resident for the next.
    long[] loads = new long[2];
    double[] mass = new double[2];
    for (int mode = 0; mode < 2; mode++) {
      WarmgateProvider provider = Host.provider();
      Map<String, String> options =
          with(
              Map.of("expert_memory", "50%", "routing", mode == 0 ? "lossless" : "capacity"),
              mode == 0 ? "io" : "routing.absent_share",
              mode == 0 ? "auto" : "0.2");
      try (Host host = Host.warmgate(model, SPEC, options)) {
        host.run(64, 1);
        ResidencyStats before = provider.statistics();
        RoutingStats routed = provider.routingStatistics();
        for (int piece = 0; piece < 10; piece++) {
          host.run(8, piece);
        }
        loads[mode] = provider.statistics().since(before).loads();
        mass[mode] = provider.routingStatistics().since(routed).massKept();
      }
    }
    assertTrue(loads[1] < loads[0], loads[1] + " and " + loads[0]);
    assertTrue(mass[1] > 0.3 && mass[1] < 1, Double.toString(mass[1]));
  }

  @Test
  void ampleCapacityIsTheGatesOwnChoice() throws OrtException {
    Map<String, String> all = Map.of("expert_memory", "100%");
    try (Host lossless = Host.warmgate(model, SPEC, all);
        Host capacity =
            Host.warmgate(
                model, SPEC, with(all, "routing", "capacity", "routing.absent_share", "1"))) {
      assertArrayEquals(lossless.run(50, 1), capacity.run(50, 1));
    }
  }

  private Outcome run(Map<String, String> given) throws OrtException {
    WarmgateProvider provider = Host.provider();
    // What is read ahead depends on time; hits are to tell of routing alone.
    Map<String, String> options = with(Map.of("expert_memory", "25%", "prefetch", "off"));
    options.putAll(given);
    try (Host host = Host.warmgate(model, SPEC, options)) {
      ResidencyStats residency = provider.statistics();
      RoutingStats routing = provider.routingStatistics();
      List<float[]> outputs = new ArrayList<>();
      for (int token = 0; token < TOKENS; token++) {
        outputs.add(host.run(1, token));
      }
      return new Outcome(
          outputs,
          provider.statistics().since(residency),
          provider.routingStatistics().since(routing));
    }
  }

  private static Map<String, String> with(Map<String, String> base, String... more) {
    Map<String, String> options = new HashMap<>(base);
    for (int i = 0; i < more.length; i += 2) {
      options.put(more[i], more[i + 1]);
    }
    return options;
  }
}
