package dev.warmgate.residency;

import java.io.IOException;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.IntStream;

/**
 * The reads that fill a cache's slots, and who waits for them.
 *
 * <p>Guarded by the cache's lock: its callers hold it, save those of {@link #close} and of the
 * counts.
 */
final class LoadingSlots implements AutoCloseable {
  private final ReentrantLock lock;

  /** Signalled whenever a load ended or a slot became free. */
  private final Condition progress;

  private final ExpertStore store;
  private final Slots slots;
  private final Guesses guesses;
  private final int readBytes;
  private final Pager pager;

  /** Per slot that is loading or failed: how many calls wait for it, or have yet to learn of it. */
  private final int[] waiting;

  private final IOException[] failures;
  private boolean closed;

  private final LongAdder loads = new LongAdder();
  private final LongAdder prefetches = new LongAdder();

  /**
   * Starts the readers.
   *
   * @param whenIdle run by a reader, without the lock, when it has nothing to read
   * @throws OutOfMemoryError if there is no memory for the readers' buffers
   */
  LoadingSlots(
      ReentrantLock lock,
      Condition progress,
      ExpertStore store,
      Slots slots,
      Guesses guesses,
      CacheSettings settings,
      Runnable whenIdle) {
    this.lock = lock;
    this.progress = progress;
    this.store = store;
    this.slots = slots;
    this.guesses = guesses;
    readBytes = settings.readBytes();
    waiting = new int[slots.count()];
    failures = new IOException[slots.count()];
    pager = new Pager(settings.ioThreads(), readBytes, this::finished, whenIdle);
  }

  long loads() {
    return loads.sum();
  }

  long prefetches() {
    return prefetches.sum();
  }

  long bytesRead() {
    return pager.bytesRead();
  }

  /** Whether a prefetch would begin soon. */
  boolean readersIdle() {
    return !closed && pager.idle();
  }

  /** Whether the first reader to be free finds nothing queued. */
  boolean readersWantMore() {
    return !closed && pager.wantsMore();
  }

  boolean closed() {
    return closed;
  }

  /** Whether an expert is being read. */
  boolean loading() {
    return IntStream.range(0, slots.count()).anyMatch(slot -> slots.state(slot) == Slots.LOADING);
  }

  /** Reads an expert that one call waits for into a free slot. */
  void read(int slot, int layer, int expert) {
    pager.submit(begin(slot, layer, expert, 1));
  }

  /** Reads an expert that nobody waits for yet into a free slot. */
  void readAhead(int slot, int layer, int expert) {
    prefetches.increment();
    pager.submitPrefetch(begin(slot, layer, expert, 0));
  }

  private Load begin(int slot, int layer, int expert, int calls) {
    String what = "%s, expert %d".formatted(store.layers().get(layer).name(), expert);
    Load load =
        new Load(
            slot,
            what,
            slots.memory(slot),
            store.reads(layer, expert),
            readBytes,
            arrived -> store.verify(layer, expert, arrived));
    // Last, since making the load may fail, and a slot that loads must have one.
    waiting[slot] = calls;
    slots.occupy(slot, layer, expert);
    return load;
  }

  /** One more call waits for a slot that is loading. */
  void join(int slot) {
    waiting[slot]++;
    pager.promote(slot);
  }

  /** A call doesn't wait for a slot any more that is loading or failed. */
  void leave(int slot) {
    if (--waiting[slot] == 0 && (slots.state(slot) == Slots.FAILED || pager.cancel(slot))) {
      vacate(slot);
    }
  }

  /** Why a slot's load failed. */
  IOException failure(int slot) {
    return failures[slot];
  }

  /**
   * Empties a slot, which is the caller's to fill then.
   *
   * @return false if somebody leases it
   */
  boolean evict(int slot) {
    if (slots.evict(slot)) {
      guesses.gone(slot);
      return true;
    }
    return false;
  }

  /** The slot of a guess that waits for its turn to be read, whose turn doesn't come; or −1. */
  int cancelGuess() {
    int slot = pager.cancelPrefetch();
    if (slot < 0) {
      return -1;
    }
    vacate(slot);
    return slots.takeUnused();
  }

  private void finished(Load load) {
    int slot = load.slot();
    lock.lock();
    try {
      if (load.failure() == null) {
        loads.increment();
        slots.publish(slot, waiting[slot]);
      } else {
        failures[slot] = load.failure();
        slots.fail(slot);
        if (waiting[slot] == 0) {
          vacate(slot);
        }
      }
      progress.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Frees a slot whose expert isn't there. */
  private void vacate(int slot) {
    failures[slot] = null;
    guesses.gone(slot);
    slots.vacate(slot);
    progress.signalAll();
  }

  /**
   * @throws IllegalStateException if a call has a lease or waits for one
   */
  void requireUnused() {
    for (int slot = 0; slot < slots.count(); slot++) {
      int leases =
          switch (slots.state(slot)) {
            case Slots.FREE -> 0;
            case Slots.LOADING, Slots.FAILED -> waiting[slot];
            default -> slots.state(slot);
          };
      if (leases > 0) {
        throw new IllegalStateException("an expert is still leased");
      }
    }
  }

  /** Takes no more; what hasn't begun isn't read. */
  void stop() {
    closed = true;
    for (int slot = 0; slot < slots.count(); slot++) {
      if (slots.state(slot) == Slots.LOADING && pager.cancel(slot)) {
        vacate(slot);
      }
    }
  }

  /** After {@link #stop}: waits for the reads under way, and empties all slots. */
  @Override
  public void close() {
    pager.close();
    lock.lock();
    try {
      // So that who comes too late finds nothing resident, not memory that is gone.
      for (int slot = 0; slot < slots.count(); slot++) {
        if (slots.state(slot) != Slots.FREE && !evict(slot)) {
          throw new IllegalStateException("an expert was leased while its cache was closed");
        }
      }
    } finally {
      lock.unlock();
    }
  }
}
