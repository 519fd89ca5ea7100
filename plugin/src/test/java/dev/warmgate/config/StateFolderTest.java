package dev.warmgate.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class StateFolderTest {

  @Test
  void isTheUsersStateFolderOrNone() {
    assertEquals(Optional.of(Path.of("/s/warmgate")), StateFolder.find("/s", "/home/u"));
    var inHome = Optional.of(Path.of("/home/u/.local/state/warmgate"));
    assertEquals(inHome, StateFolder.find(null, "/home/u"));
    // The specification has relative paths ignored.
    assertEquals(inHome, StateFolder.find("", "/home/u"));
    assertEquals(inHome, StateFolder.find("relative", "/home/u"));
    assertEquals(Optional.empty(), StateFolder.find(null, null));
    assertEquals(Optional.empty(), StateFolder.find(null, "?"));
  }

  @Test
  void optionsNameAnotherOrNone() {
    assertEquals(Optional.of(Path.of("there")), parse(Map.of("state_dir", " there ")));
    assertEquals(Optional.empty(), parse(Map.of("state_dir", "there", "warm_start", "off")));
    var e =
        assertThrows(IllegalArgumentException.class, () -> parse(Map.of("warm_start", "perhaps")));
    assertEquals("option warm_start: 'perhaps' is not one of on, off", e.getMessage());
    e = assertThrows(IllegalArgumentException.class, () -> parse(Map.of("state_dir", "a\0b")));
    assertEquals(1, e.getMessage().lines().count());
  }

  private static Optional<Path> parse(Map<String, String> given) {
    return WarmgateOptions.parse(given).stateFolder();
  }
}
