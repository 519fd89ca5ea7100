package dev.warmgate.residency;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warmgate.metrics.ResidencyStats;
import dev.warmgate.residency.eviction.EvictionKind;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever is in a state file, it is taken or ignored, and fails nobody. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class StateFileTest {
  private static final HotSet HOT =
      new HotSet(
          List.of(
              new HotSet.Layer("first \"layer\" ✓", 8, List.of(3, 1, 7)),
              new HotSet.Layer("second", 4, List.of())));

  @TempDir Path folder;
  private Path path;
  private StateFile file;

  @BeforeEach
  void open() {
    path = folder.resolve("state.json");
    file = new StateFile(path);
  }

  private void write(String text) throws IOException {
    Files.writeString(path, text);
  }

  @Test
  void givesBackWhatWasWritten() {
    assertEquals(Optional.empty(), file.read());
    file.write(HOT, ResidencyStats.NONE);
    assertEquals(Optional.of(HOT), file.read());
  }

  @Test
  void aFileThatIsCutAnywhereIsIgnored() throws IOException {
    file.write(HOT, ResidencyStats.NONE);
    byte[] whole = Files.readAllBytes(path);
    for (int length = 0; length < whole.length; length++) {
      Files.write(path, Arrays.copyOf(whole, length));
      assertEquals(Optional.empty(), file.read(), "cut to " + length);
    }
  }

  @Test
  void randomBytesAndRandomChangesFailNobody() throws IOException {
    file.write(HOT, ResidencyStats.NONE);
    byte[] whole = Files.readAllBytes(path);
    byte[] likely = "{}[]\",:0123456789-.eEtrufalsn\\ \n".getBytes(StandardCharsets.UTF_8);
    Random random = new Random(7);
    for (int turn = 0; turn < 600; turn++) {
      byte[] bytes = whole.clone();
      if (turn % 4 == 0) {
        bytes = new byte[random.nextInt(300)];
        random.nextBytes(bytes);
      } else {
        for (int change = 1 + random.nextInt(3); change > 0; change--) {
          bytes[random.nextInt(bytes.length)] =
              turn % 4 == 1 ? (byte) random.nextInt() : likely[random.nextInt(likely.length)];
        }
      }
      Files.write(path, bytes);
      // What is taken in spite of it is at least a hot set.
      file.read()
          .ifPresent(
              hot ->
                  hot.layers()
                      .forEach(
                          layer -> {
                            assertNotNull(layer.name());
                            layer.hot().forEach(e -> assertTrue(e >= 0 && e < layer.experts()));
                          }));
    }
  }

  private static String layer(String name, String experts, String hot) {
    return "{\"version\":1,\"statistics\":null,\"hotSet\":{\"layers\":[{\"name\":%s,\"experts\":%s,\"hot\":%s}]}}"
        .formatted(name, experts, hot);
  }

  @Test
  void aHotSetByHandIsTaken() throws IOException {
    write(layer("\"n\"", "3", "[2,0]"));
    assertEquals(
        Optional.of(new HotSet(List.of(new HotSet.Layer("n", 3, List.of(2, 0))))), file.read());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "null",
        "7",
        "[]",
        "{}",
        "\"text\"",
        "{\"version\":1}",
        "{\"version\":2,\"hotSet\":{\"layers\":[]}}",
        "{\"version\":1,\"hotSet\":{}}",
        "{\"version\":1,\"hotSet\":{\"layers\":null}}",
        "{\"version\":1,\"hotSet\":{\"layers\":[null]}}",
        "{\"version\":1,\"hotSet\":{\"layers\":[{}]}}",
        "{\"version\":1,\"hotSet\":{\"layers\":{\"name\":3}}}",
        "{\"version\":1,\"version\":1,\"hotSet\":[]}",
      })
  void anotherContentIsIgnored(String text) throws IOException {
    write(text);
    assertEquals(Optional.empty(), file.read());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "null | 3 | [1]",
        "\"n\" | 3 | null",
        "\"n\" | null | [0]",
        "\"n\" | 3 | [null]",
        "\"n\" | 3 | [3]",
        "\"n\" | 3 | [-1]",
        "\"n\" | 3 | [1, 1]",
        "\"n\" | 3 | [1.5]",
        "\"n\" | 3 | [99999999999]",
        "\"n\" | 3 | [[1]]",
        "\"n\" | 0 | [0]",
        "\"n\" | -1 | [0]",
        "\"n\" | -2147483648 | [-2147483648]",
        "\"n\" | 2147483647 | [2147483647]",
        "\"n\" | 2147483647 | [5, 5]",
        "\"n\" | 99999999999 | []",
        "\"n\" | 1e99 | []",
        "\"n\" | \"many\" | []",
        "[] | 3 | [1]",
      })
  void aLayerThatCannotBeIsIgnored(String fields) throws IOException {
    String[] field = fields.split(" \\| ", -1);
    write(layer(field[0], field[1], field[2]));
    assertEquals(Optional.empty(), file.read());
  }

  @ParameterizedTest
  @ValueSource(strings = {"[", "{\"hotSet\":", "{\"x\":[", "{\"version\":[[[["})
  void deepNestingIsIgnored(String opening) throws IOException {
    write(opening.repeat(200_000));
    assertEquals(Optional.empty(), file.read());
  }

  @Test
  void aHugeFileIsIgnoredUnread() throws IOException {
    try (var huge = new RandomAccessFile(path.toFile(), "rw")) {
      huge.setLength(1L << 40);
    }
    assertEquals(Optional.empty(), file.read());
  }

  @Test
  void aFolderOfThatNameIsIgnoredAndLeft() throws IOException {
    Files.createDirectory(path);
    Files.writeString(path.resolve("something"), "else");
    assertEquals(Optional.empty(), file.read());
    file.write(HOT, ResidencyStats.NONE);
    assertTrue(Files.exists(path.resolve("something")));
    try (var left = Files.list(folder)) {
      assertEquals(List.of(path), left.toList(), "no draft is left");
    }
  }

  @Test
  void aHotSetIsChecked() {
    assertThrows(RuntimeException.class, () -> new HotSet.Layer(null, 3, List.of()));
    assertThrows(IllegalArgumentException.class, () -> new HotSet.Layer("n", 0, List.of(0)));
    assertThrows(IllegalArgumentException.class, () -> new HotSet.Layer("n", 3, List.of(0, 3)));
    assertThrows(IllegalArgumentException.class, () -> new HotSet.Layer("n", 3, List.of(2, 0, 2)));
  }

  /** Memory goes by the file's size, not by the numbers in it. */
  @Test
  void aNumberOfExpertsIsOnlyANumber() throws IOException {
    write(layer("\"n\"", "2147483647", "[2147483646]"));
    assertEquals(
        Optional.of(new HotSet(List.of(new HotSet.Layer("n", 2147483647, List.of(2147483646))))),
        file.read());
    write(layer("\"n\"", "-5", "[]"));
    assertDoesNotThrow(file::read);
  }

  /** The file of a model's own name, with whatever in it: the session opens and serves. */
  @Test
  void aSessionOpensWhateverTheFileSays() throws IOException {
    var layer = new ExpertFixture(folder, "n", 3, 3, 500);
    Path state = folder.resolve("state");
    var settings = new CacheSettings(1, 4_096, false, EvictionKind.LRU);
    long mapped = SharedExperts.bytesMapped();
    for (String text :
        List.of(
            "use",
            "garbage",
            layer("null", "3", "[1]"),
            layer("\"n\"", "-1", "[]"),
            layer("\"n\"", "2147483647", "[]"),
            layer("\"n\"", "3", "[null]"),
            layer("\"n\"", "3", "[1]"))) {
      if (!text.equals("use")) {
        try (var files = Files.list(state)) {
          Files.writeString(files.findFirst().orElseThrow(), text);
        }
      }
      try (var handle =
              SharedExperts.join(
                  List.of(layer.store()), "", (_, _) -> 1_000, settings, Optional.of(state));
          LeaseSet leases = handle.experts().place(0).cache().newLeaseSet()) {
        leases.begin(0, new int[] {2}, 1);
        assertEquals(1, leases.next(new int[1]), text);
      }
      assertEquals(mapped, SharedExperts.bytesMapped(), text);
    }
  }
}
