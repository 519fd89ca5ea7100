package dev.warmgate.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warmgate.config.WarmgateOptions.Eviction;
import dev.warmgate.config.WarmgateOptions.Io;
import dev.warmgate.config.WarmgateOptions.Prefetch;
import dev.warmgate.kernels.Precision;
import dev.warmgate.kernels.Tier;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class WarmgateOptionsTest {
  private static final RoutingOptions LOSSLESS =
      new RoutingOptions(
          RoutingOptions.Mode.LOSSLESS,
          0.1f,
          OptionalInt.empty(),
          OptionalInt.empty(),
          OptionalDouble.empty(),
          0.98,
          0.5);

  private static WarmgateOptions parse(String name, String value) {
    return WarmgateOptions.parse(Map.of(name, value));
  }

  @Test
  void defaultsLeaveEverythingToThePlan() {
    var expected =
        new WarmgateOptions(
            new MemoryBudget.Auto(),
            OptionalLong.empty(),
            LOSSLESS,
            Prefetch.GATE,
            Eviction.DEFAULT,
            Precision.FAST,
            Optional.empty(),
            OptionalInt.empty(),
            OptionalInt.empty(),
            Io.AUTO,
            StateFolder.find(),
            true);
    assertEquals(expected, WarmgateOptions.defaults());
    assertEquals(
        expected,
        WarmgateOptions.parse(
            Map.of(
                "expert_memory", "auto",
                "routing", "lossless",
                "prefetch", "gate",
                "eviction", "default",
                "precision", "fast",
                "tier", "auto",
                "threads", "auto",
                "io_threads", "auto",
                "io", "auto",
                "metrics", "on")));
  }

  @Test
  void everyOptionIsHeard() {
    assertEquals(
        new WarmgateOptions(
            new MemoryBudget.Percent(35),
            OptionalLong.of(1L << 30),
            LOSSLESS,
            Prefetch.OFF,
            Eviction.LRU,
            Precision.EXACT,
            Optional.of(Tier.AVX2),
            OptionalInt.of(3),
            OptionalInt.of(4),
            Io.DIRECT,
            Optional.of(Path.of("/a/b")),
            false),
        WarmgateOptions.parse(
            Map.ofEntries(
                Map.entry("expert_memory", "35%"),
                Map.entry("process_memory", "1g"),
                Map.entry("prefetch", "off"),
                Map.entry("eviction", "lru"),
                Map.entry("precision", "exact"),
                Map.entry("tier", "avx2"),
                Map.entry("threads", "3"),
                Map.entry("io_threads", "4"),
                Map.entry("io", "direct"),
                Map.entry("state_dir", "/a/b"),
                Map.entry("metrics", "off"))));
  }

  @ParameterizedTest
  @EnumSource(Tier.class)
  void everyTierHasItsId(Tier tier) {
    assertEquals(Optional.of(tier), parse("tier", tier.id()).tier());
  }

  @ParameterizedTest
  @CsvSource({"auto, AUTO", "direct, DIRECT", "buffered, BUFFERED", "' buffered ', BUFFERED"})
  void everyIoHasItsName(String value, Io io) {
    assertEquals(io, parse("io", value).io());
  }

  @ParameterizedTest
  @CsvSource({"threads, 1, 1", "threads, 1024, 1024", "threads, ' 007', 7", "threads, 64, 64"})
  void countsThreads(String name, String value, int count) {
    assertEquals(OptionalInt.of(count), parse(name, value).threads());
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "256, 256"})
  void countsIoThreads(String value, int count) {
    assertEquals(OptionalInt.of(count), parse("io_threads", value).ioThreads());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "expert_memory | ''",
        "expert_memory | 0",
        "expert_memory | 200%",
        "expert_memory | lots",
        "routing | auto",
        "routing | ''",
        "routing | best",
        "eviction | auto",
        "eviction | belady",
        "precision | int8",
        "tier | ''",
        "tier | sse2",
        "tier | avx-512",
        "threads | ''",
        "threads | 0",
        "threads | -1",
        "threads | 1025",
        "threads | 99999999999",
        "threads | 2.5",
        "threads | many",
        "io_threads | 0",
        "io_threads | 257",
        "io_threads | ٣",
        "io | ''",
        "io | mmap",
        "io | true",
      })
  void aBadValueIsNamedWithItsOption(String name, String value) {
    var e = assertThrows(IllegalArgumentException.class, () -> parse(name, value));
    assertTrue(e.getMessage().startsWith("option " + name + ": "), e.getMessage());
    assertTrue(e.getMessage().contains("'" + value + "'"), e.getMessage());
    assertEquals(1, e.getMessage().lines().count(), e.getMessage());
  }

  @Test
  void aBadTierIsToldAllThatIsPossible() {
    var e = assertThrows(IllegalArgumentException.class, () -> parse("tier", "sse2"));
    assertEquals(
        "option tier: 'sse2' is not one of auto, scalar, neon, avx2, avx512,"
            + " neon-dotprod, avx2-vnni, avx512-vnni",
        e.getMessage());
  }

  @ParameterizedTest
  @ValueSource(strings = {"thread", "Threads", "", "ep.warmgate.threads", "expert-memory"})
  void anUnknownOptionIsNamedWithTheKnownOnes(String name) {
    var e =
        assertThrows(
            IllegalArgumentException.class,
            () -> WarmgateOptions.parse(Map.of("io", "direct", name, "1")));
    assertEquals(
        "unknown option '%s'; known: %s"
            .formatted(name, String.join(", ", WarmgateOptions.names())),
        e.getMessage());
  }

  @Test
  void theFirstOfSeveralUnknownOptionsIsNamed() {
    var e =
        assertThrows(
            IllegalArgumentException.class,
            () -> WarmgateOptions.parse(Map.of("zz", "1", "aa", "1", "mm", "1")));
    assertTrue(e.getMessage().startsWith("unknown option 'aa'; "), e.getMessage());
  }

  @Test
  void theTableHasARowForEveryOption() {
    List<String> rows = WarmgateOptions.markdown().lines().toList();
    assertEquals(2 + WarmgateOptions.names().size(), rows.size());
    for (int i = 0; i < WarmgateOptions.names().size(); i++) {
      String name = WarmgateOptions.names().get(i);
      Matcher row =
          Pattern.compile("\\| `" + name + "` \\|[^|]+\\| `([^|]+)` \\|[^|]+\\|")
              .matcher(rows.get(i + 2));
      assertTrue(row.matches(), rows.get(i + 2));
      // Those of a policy are options only beside it.
      if (!name.startsWith("routing.")) {
        assertEquals(WarmgateOptions.defaults(), parse(name, row.group(1)));
      }
    }
  }
}
