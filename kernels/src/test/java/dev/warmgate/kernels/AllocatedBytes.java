package dev.warmgate.kernels;

import java.lang.reflect.Method;

/** How many bytes a piece of code allocates on the Java heap. */
final class AllocatedBytes {
  private static final int WARM_UP = 30_000;
  private static final int CALLS = 10_000;
  private static final int ROUNDS = 5;

  private AllocatedBytes() {}

  /**
   * Bytes a call, after warm-up; the least of some rounds, as compiling on the way also allocates.
   */
  static double perCall(Runnable call) {
    for (int i = 0; i < WARM_UP; i++) {
      call.run();
    }
    long least = Long.MAX_VALUE;
    for (int round = 0; round < ROUNDS; round++) {
      long empty = -ofThisThread() + ofThisThread();
      long before = ofThisThread();
      for (int i = 0; i < CALLS; i++) {
        call.run();
      }
      least = Math.min(least, ofThisThread() - before - empty);
    }
    return (double) least / CALLS;
  }

  // By reflection: the module under test doesn't read java.management and jdk.management.
  private static final Object THREADS;
  private static final Method BYTES;

  static {
    try {
      THREADS =
          Class.forName("java.lang.management.ManagementFactory")
              .getMethod("getThreadMXBean")
              .invoke(null);
      BYTES =
          Class.forName("com.sun.management.ThreadMXBean")
              .getMethod("getCurrentThreadAllocatedBytes");
    } catch (ReflectiveOperationException e) {
      throw new LinkageError("this JVM doesn't count allocated bytes", e);
    }
  }

  private static long ofThisThread() {
    try {
      return (Long) BYTES.invoke(THREADS);
    } catch (ReflectiveOperationException e) {
      throw new LinkageError("this JVM doesn't count allocated bytes", e);
    }
  }
}
