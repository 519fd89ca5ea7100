package dev.warmgate.residency;

import java.io.IOException;

/**
 * The leases of one call: it says which experts of a layer it wants, then takes them as they are
 * ready, in whatever order, and gives each back.
 *
 * <p>What is resident is handed out first, so that it is computed while the rest is read. If there
 * are more experts than slots, later ones are read into the slots of those given back.
 *
 * <p>Reused call after call without allocation; belongs to one thread at a time.
 */
public final class LeaseSet implements AutoCloseable {
  private static final byte WANTED = 0;

  /** Somebody else had begun to read it. */
  private static final byte JOINED = 1;

  private static final byte LOADING = 2;
  private static final byte READY = 3;
  private static final byte DONE = 4;

  private final ExpertCache cache;
  private final boolean counting;
  private int layer;
  private int[] experts = new int[0];
  private int[] slots = new int[0];
  private byte[] states = new byte[0];
  private int count;
  private int pending;
  private boolean requested;

  LeaseSet(ExpertCache cache, boolean counting) {
    this.cache = cache;
    this.counting = counting;
  }

  /**
   * Starts a call.
   *
   * @param layer of the cache
   * @param wanted ids of distinct experts
   * @param wantedCount how many of them are meant
   * @throws IndexOutOfBoundsException if there is no such expert
   */
  public void begin(int layer, int[] wanted, int wantedCount) {
    if (pending != 0) {
      throw new IllegalStateException("the last call's leases are not closed");
    }
    if (slots.length < wantedCount) {
      slots = new int[wantedCount];
      experts = new int[wantedCount];
      states = new byte[wantedCount];
    }
    int bound = cache.experts(layer);
    for (int i = 0; i < wantedCount; i++) {
      if (wanted[i] < 0 || wanted[i] >= bound) {
        throw new IndexOutOfBoundsException("expert %d of %d".formatted(wanted[i], bound));
      }
      experts[i] = wanted[i];
      states[i] = WANTED;
    }
    this.layer = layer;
    this.count = wantedCount;
    this.pending = wantedCount;
    this.requested = false;
    cache.used(layer, experts, wantedCount);
  }

  /**
   * Leases what is resident and has the rest read, as far as there are slots. Waits for nothing.
   * {@link #next} does it if nobody has.
   */
  public void request() {
    if (requested) {
      return;
    }
    requested = true;
    int found = leaseResident();
    if (counting) {
      cache.count(found, count - found);
    }
    if (found < count) {
      cache.lock();
      try {
        reserve();
      } finally {
        cache.unlock();
      }
    }
  }

  /**
   * The next experts that may be read: all that are ready by now, at least one; waits if there is
   * none yet. What was handed out before and not given back is among them again.
   *
   * @param ready receives positions in {@code wanted}; at least as long
   * @return how many; 0 once all have been handed out and given back
   * @throws IOException if a read failed that was begun for this call; the caller closes this set
   */
  public int next(int[] ready) throws IOException {
    if (pending == 0) {
      return 0;
    }
    request();
    int found = leaseResident();
    if (found < pending) {
      readAbsent(found);
    }
    int out = 0;
    for (int i = 0; i < count; i++) {
      if (states[i] == READY) {
        ready[out++] = i;
      }
    }
    return out;
  }

  /** The slot of an expert that {@link #next} handed out. */
  public int slot(int position) {
    if (states[position] != READY) {
      throw new IllegalStateException("not leased");
    }
    return slots[position];
  }

  /** Gives back an expert that {@link #next} handed out. */
  public void release(int position) {
    int slot = slot(position);
    states[position] = DONE;
    pending--;
    cache.release(slot);
  }

  /** Gives back whatever is still leased or on its way. */
  @Override
  public void close() {
    for (int i = 0; i < count; i++) {
      if (states[i] == READY) {
        cache.release(slots[i]);
      } else if (states[i] == LOADING || states[i] == JOINED) {
        cache.abandon(slots[i]);
      }
      states[i] = DONE;
    }
    count = 0;
    pending = 0;
  }

  private int leaseResident() {
    int found = 0;
    for (int i = 0; i < count; i++) {
      if (states[i] == WANTED) {
        slots[i] = cache.tryLease(layer, experts[i]);
        if (slots[i] >= 0) {
          states[i] = READY;
        }
      }
      if (states[i] == READY) {
        found++;
      }
    }
    return found;
  }

  /** Starts reads for the wanted experts as long as there are slots; waits if nothing is ready. */
  private void readAbsent(int alreadyReady) throws IOException {
    int ready = alreadyReady;
    long waitStart = 0;
    cache.lock();
    try {
      // Said before looking, so that a lease released in between is not missed.
      cache.waiting(1);
      try {
        while (true) {
          reserve();
          ready += collect();
          if (ready > 0) {
            return;
          }
          if (waitStart == 0) {
            waitStart = System.nanoTime();
          }
          cache.awaitProgress();
        }
      } finally {
        cache.waiting(-1);
      }
    } finally {
      cache.unlock();
      if (waitStart != 0) {
        cache.waited(System.nanoTime() - waitStart);
      }
    }
  }

  /** Reserves what it can; the caller holds the lock. */
  private void reserve() {
    for (int i = 0; i < count; i++) {
      if (states[i] == WANTED) {
        boolean joins = cache.isLoading(layer, experts[i]);
        slots[i] = cache.reserve(layer, experts[i]);
        if (slots[i] < 0) {
          return;
        }
        states[i] = joins ? JOINED : LOADING;
      }
    }
  }

  /** Sees what has arrived; returns how many became ready. */
  private int collect() throws IOException {
    int ready = 0;
    for (int i = 0; i < count; i++) {
      if (states[i] == JOINED && cache.failed(slots[i])) {
        readAgain(i);
      }
      if ((states[i] == LOADING || states[i] == JOINED) && cache.arrived(slots[i])) {
        states[i] = READY;
        ready++;
      }
    }
    return ready;
  }

  /**
   * A guess that failed, or a read for a call that failed long ago, says little of what can be read
   * now. Once: whatever comes of it is the outcome.
   */
  private void readAgain(int position) {
    cache.abandon(slots[position]);
    slots[position] = cache.reserve(layer, experts[position]);
    states[position] = slots[position] < 0 ? WANTED : LOADING;
  }
}
