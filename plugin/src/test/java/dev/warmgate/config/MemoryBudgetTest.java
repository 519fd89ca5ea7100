package dev.warmgate.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warmgate.config.MemoryBudget.Auto;
import dev.warmgate.config.MemoryBudget.Bytes;
import dev.warmgate.config.MemoryBudget.Percent;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MemoryBudgetTest {

  @ParameterizedTest
  @CsvSource({
    "1, 1",
    "1048576, 1048576",
    "7b, 7",
    "1k, 1024",
    "1K, 1024",
    "1kb, 1024",
    "1KiB, 1024",
    "512m, 536870912",
    "512MB, 536870912",
    "8g, 8589934592",
    "8GiB, 8589934592",
    "2t, 2199023255552",
    "1.5g, 1610612736",
    "0.5k, 512",
    "0.001k, 1",
    "' 3m ', 3145728",
    "0000000000000001, 1",
    "9007199254740993, 9007199254740993",
    "999999999999999999, 999999999999999999",
    "4194303t, 4611684918915760128",
  })
  void readsSizes(String text, long bytes) {
    assertEquals(new Bytes(bytes), MemoryBudget.parse(text));
  }

  @ParameterizedTest
  @CsvSource({"35%, 35", "100%, 100", "0.5%, 0.5", "33.3%, 33.3", "0.000000001%, 1e-9"})
  void readsShares(String text, double percent) {
    assertEquals(new Percent(percent), MemoryBudget.parse(text));
  }

  @ParameterizedTest
  @ValueSource(strings = {"auto", "AUTO", " Auto\t"})
  void readsAuto(String text) {
    assertEquals(new Auto(), MemoryBudget.parse(text));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "0",
        "0m",
        "0.0001k",
        "0%",
        "100.1%",
        "101%",
        "999%",
        "-1",
        "-1%",
        "+5",
        "5 m",
        "1,5g",
        "1.g",
        ".5g",
        "1e9",
        "0x10",
        "1_000",
        "m",
        "%",
        "5%%",
        "35 %",
        "%35",
        "5p",
        "5mm",
        "5mib5",
        "512ib",
        "5ki",
        "NaN",
        "Infinity",
        "none",
        "auto8g",
        "4194304t",
        "999999999999999999t",
        "9999999999999999999",
        "99999999999999999999999999999999999999",
        "٣m",
        "８g",
        "5\nm",
      })
  void refusesWhatIsNoSize(String text) {
    var e = assertThrows(IllegalArgumentException.class, () -> MemoryBudget.parse(text));
    assertTrue(e.getMessage().contains("'" + text + "'"), e.getMessage());
    assertTrue(e.getMessage().contains("512m, 8g, 35% or auto"), e.getMessage());
  }

  @Test
  void autoIsWhatThePlanFound() {
    assertEquals(77, new Auto().bytes(1000, 77));
    assertEquals(0, new Auto().bytes(1000, 0));
  }

  @Test
  void bytesAreBytesWhateverTheModel() {
    assertEquals(5, new Bytes(5).bytes(1000, 77));
  }

  @Test
  void wholePercentagesOfHundredsAreExact() {
    for (int percent = 1; percent <= 100; percent++) {
      for (long unit : new long[] {1, 3, 1_048_576, 6_291_456, (Long.MAX_VALUE - 7) / 100}) {
        assertEquals(percent * unit, new Percent(percent).bytes(100 * unit, 0), percent + "%");
      }
    }
    assertEquals(Long.MAX_VALUE, new Percent(100).bytes(Long.MAX_VALUE, 0));
  }

  @ParameterizedTest
  @CsvSource({"33.3, 1000, 333", "0.1, 1000, 1", "0.1, 999, 0", "29, 99, 28", "1e-9, 1000000, 0"})
  void sharesAreRoundedDown(double percent, long expertBytes, long bytes) {
    assertEquals(bytes, new Percent(percent).bytes(expertBytes, 0));
  }
}
