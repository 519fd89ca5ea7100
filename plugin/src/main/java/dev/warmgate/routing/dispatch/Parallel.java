package dev.warmgate.routing.dispatch;

import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/**
 * Runs the parts of a call, perhaps on several threads, and returns when all are done.
 *
 * @see #caller
 * @see #common
 */
public interface Parallel {
  /** Into how many parts a call should be split. */
  int width();

  /** Runs parts 0 to {@code parts} - 1, each once. What a part throws is thrown to the caller. */
  void run(int parts, IntConsumer part);

  /** Everything on the calling thread. */
  static Parallel caller() {
    return new Parallel() {
      @Override
      public int width() {
        return 1;
      }

      @Override
      public void run(int parts, IntConsumer part) {
        for (int i = 0; i < parts; i++) {
          part.accept(i);
        }
      }
    };
  }

  /**
   * The common fork-join pool, the caller included.
   *
   * @param threads into how many parts to split
   * @throws IllegalArgumentException if threads is below 1
   */
  static Parallel common(int threads) {
    if (threads < 1) {
      throw new IllegalArgumentException("threads " + threads + " is below 1");
    }
    return new Parallel() {
      @Override
      public int width() {
        return threads;
      }

      @Override
      public void run(int parts, IntConsumer part) {
        IntStream.range(0, parts).parallel().forEach(part);
      }
    };
  }
}
