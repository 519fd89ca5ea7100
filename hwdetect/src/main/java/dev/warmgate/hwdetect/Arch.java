package dev.warmgate.hwdetect;

import java.util.Locale;

/** A family of instruction sets. */
public enum Arch {
  /** 64-bit x86. */
  X86_64("x86_64"),
  /** 64-bit Arm. */
  AARCH64("aarch64"),
  /** Anything else: only the scalar tier serves it. */
  OTHER("other");

  private final String id;

  Arch(String id) {
    this.id = id;
  }

  /** The name in texts and JSON. */
  public String id() {
    return id;
  }

  /**
   * Reads the name that a JVM ({@code os.arch}) or a kernel ({@code uname -m}) gives.
   *
   * @param name for example {@code amd64}
   * @return {@link #OTHER} for what is not known
   */
  public static Arch of(String name) {
    return switch (name.toLowerCase(Locale.ROOT)) {
      case "amd64", "x86_64", "x86-64", "x64" -> X86_64;
      case "aarch64", "arm64" -> AARCH64;
      default -> OTHER;
    };
  }
}
