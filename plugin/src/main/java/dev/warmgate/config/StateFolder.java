package dev.warmgate.config;

import java.nio.file.Path;
import java.util.Optional;

/** The folder in which a user's programs keep what they can do without. */
final class StateFolder {
  private StateFolder() {}

  /**
   * As the XDG base directory specification has it: {@code $XDG_STATE_HOME}, or {@code
   * ~/.local/state}; empty if the user has no home.
   */
  static Optional<Path> find() {
    return find(System.getenv("XDG_STATE_HOME"), System.getProperty("user.home"));
  }

  static Optional<Path> find(String stateHome, String home) {
    if (stateHome != null && stateHome.startsWith("/")) {
      return Optional.of(Path.of(stateHome, "warmgate"));
    }
    return home != null && home.startsWith("/")
        ? Optional.of(Path.of(home, ".local", "state", "warmgate"))
        : Optional.empty();
  }
}
