package dev.warmgate.hwdetect;

import java.util.List;

/**
 * The processor as OSHI tells it, before anything is made of it.
 *
 * @param featureLines feature lines of {@code /proc/cpuinfo}, as they stand there
 * @param caches kinds of caches
 * @param threads hardware threads of the machine; empty if unknown
 */
record Processor(List<String> featureLines, List<Cache> caches, List<HardwareThread> threads) {

  /**
   * One hardware thread.
   *
   * @param number the kernel's number
   * @param socket the package it is in
   * @param core its core within the package
   */
  record HardwareThread(int number, int socket, int core) {}

  /** A processor of which nothing could be found out. */
  static Processor unknown() {
    return new Processor(List.of(), List.of(), List.of());
  }
}
