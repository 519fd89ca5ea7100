package dev.warmgate.benchmarks;

import java.io.IOException;

/** Runs the JMH suites; takes JMH's own arguments, such as a suite's name or {@code -prof gc}. */
public final class Jmh {
  private Jmh() {}

  /**
   * The entry point.
   *
   * @throws IOException if JMH can't read its list of benchmarks or write its result
   */
  public static void main(String[] args) throws IOException {
    org.openjdk.jmh.Main.main(args);
  }
}
