package dev.warmgate.residency;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warmgate.residency.eviction.EvictionKind;
import dev.warmgate.simulate.PolicyChoice;
import dev.warmgate.simulate.Prefetch;
import dev.warmgate.simulate.Simulation;
import dev.warmgate.simulate.Trace;
import dev.warmgate.simulate.TraceRecorder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A cache has the hits that its simulation foretells, one by one. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SimulationMatchesCacheTest {
  private static final int LAYERS = 3;
  private static final int EXPERTS = 12;
  private static final int BYTES = 64;

  @TempDir private Path folder;

  @ParameterizedTest
  @EnumSource(
      value = EvictionKind.class,
      mode = EnumSource.Mode.EXCLUDE,
      names = {"RANDOM"})
  void hitsAreEqual(EvictionKind kind) throws IOException {
    Trace trace = trace();
    var foretold =
        new Simulation(PolicyChoice.of(kind.id()), 0.25, Prefetch.NONE).run(trace, () -> {});
    List<LayerStore> stores = new ArrayList<>();
    for (int layer = 0; layer < LAYERS; layer++) {
      stores.add(new ExpertFixture(folder, "layer" + layer, layer, EXPERTS, BYTES).store());
    }
    long budget = LAYERS * EXPERTS * BYTES / 4;
    try (ExpertCache cache =
        new ExpertCache(stores, budget, new CacheSettings(2, 1 << 16, false, kind))) {
      LeaseSet leases = cache.newLeaseSet();
      int[] wanted = new int[2];
      int[] ready = new int[2];
      for (long token = 0; token < trace.tokens(); token++) {
        for (int layer = 0; layer < LAYERS; layer++) {
          wanted[0] = trace.expert(token, layer, 0);
          wanted[1] = trace.expert(token, layer, 1);
          leases.begin(layer, wanted, 2);
          for (int n = leases.next(ready); n > 0; n = leases.next(ready)) {
            for (int i = 0; i < n; i++) {
              leases.release(ready[i]);
            }
          }
        }
      }
      leases.close();
      assertEquals(foretold.hits(), cache.statistics().hits());
      assertEquals(foretold.loads(), cache.statistics().loads());
      assertTrue(foretold.hits() > 0 && foretold.hits() < foretold.uses());
    }
  }

  private static Trace trace() {
    Random random = new Random(9);
    TraceRecorder recorder = new TraceRecorder(new Trace.Header("m", LAYERS, EXPERTS, 2), false);
    for (int token = 0; token < 1500; token++) {
      for (int layer = 0; layer < LAYERS; layer++) {
        int first = random.nextInt(1 + random.nextInt(EXPERTS));
        int second = (first + 1 + random.nextInt(1 + layer)) % EXPERTS;
        recorder.select(layer, new int[] {first, second}, null);
      }
    }
    recorder.endSequence("text");
    return recorder.trace();
  }
}
