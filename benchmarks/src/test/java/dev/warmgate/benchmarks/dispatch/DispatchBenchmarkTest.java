package dev.warmgate.benchmarks.dispatch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

/** Each benchmark's body once, and what it must have done. */
class DispatchBenchmarkTest {
  @Test
  void phaseKeepsWhatTheSettingKeeps() {
    DispatchBenchmark.Phase state = new DispatchBenchmark.Phase();
    state.size = 1024;
    state.fanOut = 2;
    state.prepare();
    int[] routes = new DispatchBenchmark().phase(state);
    Outcome outcome = Outcome.of(state.workload, new Gate(state.workload), routes, 0);
    assertEquals(89.79, 100 * outcome.survival(), 0.005);
    int[] again = routes.clone();
    assertArrayEquals(again, new DispatchBenchmark().phase(state));
  }

  @Test
  void gateAwarePlacesAll() {
    DispatchBenchmark.Gated state = new DispatchBenchmark.Gated();
    state.shape = "100x16";
    state.headroom = 1;
    state.prepare();
    assertEquals(800, new DispatchBenchmark().gateAware(state));
    int[] load = new int[16];
    for (int place = 0; place < 800; place++) {
      load[state.ids.getAtIndex(ValueLayout.JAVA_INT, place)]++;
    }
    for (int target = 0; target < 16; target++) {
      assertTrue(load[target] <= state.capacities[target], "target " + target);
    }
  }
}
