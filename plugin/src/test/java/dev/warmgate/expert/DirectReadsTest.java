package dev.warmgate.expert;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.warmgate.config.WarmgateOptions;
import dev.warmgate.hwdetect.Plan;
import dev.warmgate.kernels.Tier;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** When experts are read around the page cache: where it has no room for all of them. */
class DirectReadsTest {
  private static final long EXPERT_BYTES = 1000;

  @ParameterizedTest
  @CsvSource({
    // Slots for all, and room for all once more.
    "auto, 100%, 2000, true, false",
    "auto, 100%, 1999, true, true",
    "auto, 25%, 1250, true, false",
    "auto, 25%, 1249, true, true",
    // More than all experts take isn't used, and leaves room.
    "auto, 1g, 2000, true, false",
    "auto, 1g, 1999, true, true",
    "auto, auto, 100000, true, false",
    // Where the files' system can't, or the user says so.
    "auto, 25%, 1249, false, false",
    "direct, 25%, 100000, false, true",
    "buffered, 25%, 1, true, false",
  })
  void goesAroundThePageCache(
      String io, String memory, long free, boolean possible, boolean expected) {
    var options = WarmgateOptions.parse(Map.of("io", io, "expert_memory", memory));
    var plan = new Plan(Tier.SCALAR, 1, 1, free, 4096, 4096, 1, possible, List.of());
    assertEquals(expected, MoeModel.direct(options, plan, EXPERT_BYTES));
  }
}
