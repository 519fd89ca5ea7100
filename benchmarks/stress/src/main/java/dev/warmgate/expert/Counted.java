package dev.warmgate.expert;

import java.util.concurrent.atomic.AtomicInteger;

/** Makes numbered objects. */
final class Counted {
  private final AtomicInteger made = new AtomicInteger();

  /** An object with room for a value. */
  static final class Item implements AutoCloseable {
    private final int number;
    int value;

    private Item(int number) {
      this.number = number;
    }

    /** Which one, from 1. */
    int number() {
      return number;
    }

    @Override
    public void close() {
      // It holds nothing.
    }
  }

  Item make() {
    return new Item(made.incrementAndGet());
  }
}
