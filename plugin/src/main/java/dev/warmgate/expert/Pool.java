package dev.warmgate.expert;

import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Supplier;

/**
 * Objects that calls take and give back, made when none is there. Taking and giving back take no
 * lock and allocate nothing. What doesn't fit is closed.
 */
public final class Pool<T extends AutoCloseable> implements AutoCloseable {
  private static final int SIZE = 64;

  private final AtomicReferenceArray<T> idle = new AtomicReferenceArray<>(SIZE);
  private final Supplier<T> maker;

  /**
   * An empty pool.
   *
   * @param maker makes an object when all are taken
   */
  public Pool(Supplier<T> maker) {
    this.maker = maker;
  }

  /** An object that nobody else has. */
  public T take() {
    for (int i = 0; i < SIZE; i++) {
      if (idle.getPlain(i) != null) {
        T taken = idle.getAndSet(i, null);
        if (taken != null) {
          return taken;
        }
      }
    }
    return maker.get();
  }

  /** Gives an object back. */
  public void give(T used) {
    for (int i = 0; i < SIZE; i++) {
      if (idle.getPlain(i) == null && idle.compareAndSet(i, null, used)) {
        return;
      }
    }
    closeQuietly(used);
  }

  /** Closes what is here; the caller sees to it that nothing is taken. */
  @Override
  public void close() {
    for (int i = 0; i < SIZE; i++) {
      T object = idle.getAndSet(i, null);
      if (object != null) {
        closeQuietly(object);
      }
    }
  }

  private static void closeQuietly(AutoCloseable object) {
    try {
      object.close();
    } catch (Exception e) {
      throw new IllegalStateException("closing a pooled object failed", e);
    }
  }
}
