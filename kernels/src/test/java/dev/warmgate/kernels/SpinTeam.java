package dev.warmgate.kernels;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;

/** The caller, and if asked one helper that spins for work: no wake-up times in the figures. */
final class SpinTeam implements AutoCloseable {
  private final int width;
  private final AtomicInteger asked = new AtomicInteger();
  private final AtomicInteger done = new AtomicInteger();
  private volatile IntConsumer work;

  SpinTeam(int width) {
    this.width = width;
    if (width == 2) {
      Thread.ofPlatform().daemon().start(this::help);
    }
  }

  int width() {
    return width;
  }

  void run(IntConsumer parts) {
    if (width == 2) {
      work = parts;
      asked.incrementAndGet();
    }
    parts.accept(0);
    while (width == 2 && done.get() != asked.get()) {
      Thread.onSpinWait();
    }
  }

  private void help() {
    for (int next = 1; ; next++) {
      while (asked.get() < next) {
        Thread.onSpinWait();
      }
      if (work == null) {
        return;
      }
      work.accept(1);
      done.set(next);
    }
  }

  @Override
  public void close() {
    work = null;
    asked.incrementAndGet();
  }
}
