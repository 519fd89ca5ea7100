package dev.warmgate.hwdetect;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warmgate.kernels.Availability;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PlannerThreadsTest {

  private static Plan plan(Cores cores, int processors, OptionalInt threads) {
    return Planner.plan(
        Machines.with(cores, processors),
        new PlanRequest(Optional.empty(), threads, OptionalInt.empty()),
        tier -> new Availability.Available());
  }

  @ParameterizedTest
  @CsvSource({
    // usable cores, usable threads, quota (-1: none), processors of the JVM, threads, reason
    "4,8,-1,8,4,physical cores",
    "4,8,2.5,3,2,cgroup quota of 2.5",
    "4,8,0.5,1,1,cgroup quota of 0.5",
    "4,8,0,1,1,cgroup quota",
    "4,8,4.2,5,4,physical cores",
    "4,8,100,8,4,physical cores",
    "4,8,1e300,8,4,physical cores",
    "4,8,-1,2,2,the JVM",
    "4,8,3.5,1,1,the JVM",
    "4,8,-1,0,4,physical cores",
    "4,8,-1,-1,4,physical cores",
    "0,0,-1,0,1,physical cores",
    "-1,-1,-1,1,1,physical cores",
    "96,192,-1,192,96,physical cores"
  })
  void table(int physical, int logical, double quota, int processors, int expected, String reason) {
    Plan plan = plan(Machines.cores(physical, logical, quota), processors, OptionalInt.empty());
    assertEquals(expected, plan.threads());
    String found = plan.decision("threads").orElseThrow().reason();
    assertTrue(found.contains(reason), found);
  }

  @ParameterizedTest
  @CsvSource({"1,option threads", "8,option threads", "9,more than the 8", "1024,more than the 8"})
  void theOptionDecides(int asked, String reason) {
    Cores cores = new Cores(4, 8, 4, 8, OptionalDouble.of(1));
    Plan plan = plan(cores, 1, OptionalInt.of(asked));
    assertEquals(asked, plan.threads());
    String found = plan.decision("threads").orElseThrow().reason();
    assertTrue(found.contains(reason), found);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, -1, 1025, Integer.MAX_VALUE, Integer.MIN_VALUE})
  void nonsense(int asked) {
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () -> plan(Machines.cores(4, 8, -1), 8, OptionalInt.of(asked)));
    assertEquals("option threads: " + asked + " is not between 1 and 1024", e.getMessage());
  }
}
