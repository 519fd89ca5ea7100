package dev.warmgate.residency;

import dev.warmgate.metrics.ResidencyStats;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A bounded number of slots, all of one size, for the experts of some layers.
 *
 * <p>Each layer is entitled to an equal share of the slots: a layer that has less takes from one
 * that has more, since a single queue over all layers would evict just what the next token's first
 * layers want. Within a layer the eviction policy decides.
 *
 * <p>An expert's slot is found, and leased, without a lock while the expert is resident. Everything
 * else, which is what leads to a read, happens under one lock.
 */
public final class ExpertCache implements AutoCloseable {
  private static final int FREE = -1;
  private static final int LOADING = -2;
  private static final int FAILED = -3;

  private final ExpertStore store;
  private final int[] firstExpert;
  private final long slotBytes;
  private final long budgetBytes;
  private final int readBytes;
  private final MappedMemory memory;
  private final Arena maskArena;
  private final List<ResidencyMask> masks = new ArrayList<>();
  private final EvictionPolicy eviction;
  private final Pager pager;

  /** Per expert: its slot, or −1. Written under the lock. */
  private final AtomicIntegerArray slotOf;

  /** Per slot: the number of leases if resident, else one of the states above. */
  private final AtomicIntegerArray state;

  // Guarded by the lock.
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition progress = lock.newCondition();
  private final int[] expertIn;
  private final int[] layerIn;
  private final int[] loadLeases;
  private final IOException[] failures;
  private final int[] slotsOfLayer;
  private int unusedSlots;
  private int occupied;
  private int peakOccupied;
  private boolean closed;

  /** Threads that wait for progress. */
  private final AtomicInteger waiters = new AtomicInteger();

  private final AtomicLong ticks = new AtomicLong();
  private final LongAdder hits = new LongAdder();
  private final LongAdder misses = new LongAdder();
  private final LongAdder loads = new LongAdder();
  private final LongAdder prefetches = new LongAdder();
  private final LongAdder waitNanos = new LongAdder();

  /**
   * Opens a cache; nothing is read yet.
   *
   * @param layers whose experts it holds; they may differ in size, a slot holds the largest
   * @param budget for the slots
   * @throws IOException in one line, if the files don't hold the experts
   * @throws IllegalArgumentException if the budget is less than one expert
   */
  ExpertCache(List<LayerStore> layers, long budget, CacheSettings settings) throws IOException {
    slotBytes = layers.stream().mapToLong(LayerStore::expertBytes).max().orElseThrow();
    budgetBytes = budget;
    readBytes = settings.readBytes();
    firstExpert = new int[layers.size() + 1];
    for (int layer = 0; layer < layers.size(); layer++) {
      firstExpert[layer + 1] = Math.addExact(firstExpert[layer], layers.get(layer).experts());
    }
    int experts = firstExpert[layers.size()];
    if (budget < slotBytes) {
      throw new IllegalArgumentException(
          "option expert_memory: %d bytes is less than one expert of %s (%d bytes)"
              .formatted(budget, largest(layers).name(), slotBytes));
    }
    int slots = (int) Math.min(budget / slotBytes, experts);
    store = ExpertStore.open(layers, settings.direct());
    memory = map(slots * slotBytes);
    maskArena = Arena.ofShared();
    for (LayerStore layer : layers) {
      masks.add(new ResidencyMask(layer.experts(), maskArena));
    }
    eviction = new LruEviction(slots);
    slotOf = new AtomicIntegerArray(filled(experts, -1));
    state = new AtomicIntegerArray(filled(slots, FREE));
    expertIn = filled(slots, -1);
    layerIn = new int[slots];
    loadLeases = new int[slots];
    failures = new IOException[slots];
    slotsOfLayer = new int[layers.size()];
    unusedSlots = slots;
    pager = startPager(settings);
  }

  /** How many slots there are. */
  public int slots() {
    return state.length();
  }

  /** The memory of a slot; what is in it may be read only under a lease. */
  public MemorySegment slot(int slot) {
    return memory.segment().asSlice(slot * slotBytes, slotBytes);
  }

  /** The residency mask of a layer. */
  public ResidencyMask mask(int layer) {
    return masks.get(layer);
  }

  /** Whether experts are read around the page cache. */
  public boolean direct() {
    return store.direct();
  }

  /** A reusable set of leases for one call at a time. */
  public LeaseSet newLeaseSet() {
    return newLeaseSet(true);
  }

  /**
   * The same.
   *
   * @param counting whether its hits and misses are counted
   */
  public LeaseSet newLeaseSet(boolean counting) {
    return new LeaseSet(this, counting);
  }

  /** Counts since the cache was opened. */
  public ResidencyStats statistics() {
    lock.lock();
    try {
      return new ResidencyStats(
          hits.sum(),
          misses.sum(),
          loads.sum(),
          prefetches.sum(),
          pager.bytesRead(),
          occupied * slotBytes,
          peakOccupied * slotBytes,
          budgetBytes,
          waitNanos.sum());
    } finally {
      lock.unlock();
    }
  }

  /**
   * Gives the memory back, after the reads under way have ended. Closing twice is harmless.
   *
   * @throws IllegalStateException if an expert is leased or on its way to a call; the cache stays
   *     open then
   */
  @Override
  public void close() {
    lock.lock();
    try {
      if (closed) {
        return;
      }
      requireUnused();
      closed = true;
    } finally {
      lock.unlock();
    }
    pager.close();
    evictAll();
    store.close();
    maskArena.close();
    memory.close();
  }

  /**
   * @throws IllegalStateException if a call has a lease
   */
  void requireUnused() {
    lock.lock();
    try {
      for (int slot = 0; slot < state.length(); slot++) {
        int now = state.get(slot);
        if (now > 0 || ((now == LOADING || now == FAILED) && loadLeases[slot] > 0)) {
          throw new IllegalStateException("an expert is still leased");
        }
      }
    } finally {
      lock.unlock();
    }
  }

  /** So that who comes too late finds nothing resident, not memory that is gone. */
  private void evictAll() {
    lock.lock();
    try {
      for (int slot = 0; slot < state.length(); slot++) {
        if (state.get(slot) != FREE && !evict(slot)) {
          throw new IllegalStateException("an expert was leased while its cache was closed");
        }
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * Says that an expert will probably be wanted. It is read in the background if there is a free
   * slot, or one of its layer's with a colder expert in it; a warmer one never makes room. Nothing
   * is waited for: a hint that comes at a busy moment is dropped.
   */
  public void hint(int layer, int expert, Warmth warmth) {
    if (slotOf.get(firstExpert[layer] + expert) >= 0 || !lock.tryLock()) {
      return;
    }
    try {
      if (closed || slotOf.get(firstExpert[layer] + expert) >= 0 || !pager.hasRoomForPrefetch()) {
        return;
      }
      int slot = takeColderSlot(layer, warmth, warmth.of(expert));
      if (slot >= 0) {
        prefetches.increment();
        pager.submitPrefetch(startLoad(slot, layer, expert, ticks.get(), 0));
      }
    } finally {
      lock.unlock();
    }
  }

  private int takeColderSlot(int layer, Warmth warmth, float value) {
    if (unusedSlots > 0) {
      return takeUnusedSlot();
    }
    int coldest = -1;
    float least = value;
    for (int slot = 0; slot < state.length(); slot++) {
      if (layerIn[slot] == layer && evictable(slot)) {
        float other = warmth.of(expertIn[slot] - firstExpert[layer]);
        if (other < least) {
          least = other;
          coldest = slot;
        }
      }
    }
    return coldest >= 0 && evict(coldest) ? coldest : -1;
  }

  // What follows is for LeaseSet.

  int experts(int layer) {
    return firstExpert[layer + 1] - firstExpert[layer];
  }

  long tick() {
    return ticks.incrementAndGet();
  }

  void count(int hitCount, int missCount) {
    hits.add(hitCount);
    misses.add(missCount);
  }

  /**
   * Leases an expert if it is resident. Takes no lock.
   *
   * @return its slot, or −1
   */
  int tryLease(int layer, int expert, long tick) {
    int index = firstExpert[layer] + expert;
    int slot = slotOf.get(index);
    if (slot < 0) {
      return -1;
    }
    for (int leases = state.get(slot); leases >= 0; leases = state.get(slot)) {
      if (state.compareAndSet(slot, leases, leases + 1)) {
        if (slotOf.get(index) == slot) {
          eviction.used(slot, tick);
          return slot;
        }
        // Between the two reads the slot was given to another expert.
        release(slot);
        return -1;
      }
    }
    return -1;
  }

  void release(int slot) {
    if (state.decrementAndGet(slot) == 0 && waiters.get() > 0) {
      lock.lock();
      try {
        progress.signalAll();
      } finally {
        lock.unlock();
      }
    }
  }

  /**
   * Whether a slot that this caller waits for has become readable; its load lease is a lease then.
   */
  boolean arrived(int slot) throws IOException {
    int now = state.get(slot);
    if (now == FAILED) {
      lock.lock();
      try {
        throw new IOException(failures[slot].getMessage(), failures[slot]);
      } finally {
        lock.unlock();
      }
    }
    return now >= 0;
  }

  void lock() {
    lock.lock();
  }

  void unlock() {
    lock.unlock();
  }

  /** Waits until a load ended or a lease came back. The caller holds the lock. */
  @SuppressWarnings("WaitNotInLoop") // LeaseSet's loop is around the call of this method.
  void awaitProgress() {
    progress.awaitUninterruptibly();
  }

  /** Brackets looking for progress and waiting for it. The caller holds the lock. */
  void waiting(int change) {
    waiters.addAndGet(change);
  }

  void waited(long nanos) {
    waitNanos.add(nanos);
  }

  /**
   * Gets a slot for an absent expert and starts to read it, or joins those who wait for it. The
   * caller holds the lock, and owns a load lease afterwards.
   *
   * @return the slot, or −1 if none can be had now
   */
  int reserve(int layer, int expert, long tick) {
    if (closed) {
      throw new IllegalStateException("the expert cache is closed");
    }
    int index = firstExpert[layer] + expert;
    int slot = slotOf.get(index);
    if (slot >= 0) {
      if (state.get(slot) == LOADING) {
        loadLeases[slot]++;
        pager.promote(slot);
        return slot;
      }
      // Under the lock it can't go away: nobody else evicts.
      state.incrementAndGet(slot);
      eviction.used(slot, tick);
      return slot;
    }
    slot = takeSlot(layer);
    if (slot < 0) {
      return -1;
    }
    pager.submit(startLoad(slot, layer, expert, tick, 1));
    return slot;
  }

  /** Makes a free slot the place of an expert that is about to be read. */
  private Load startLoad(int slot, int layer, int expert, long tick, int leases) {
    int index = firstExpert[layer] + expert;
    expertIn[slot] = index;
    layerIn[slot] = layer;
    slotsOfLayer[layer]++;
    loadLeases[slot] = leases;
    peakOccupied = Math.max(peakOccupied, ++occupied);
    state.set(slot, LOADING);
    slotOf.set(index, slot);
    eviction.used(slot, tick);
    String what = "%s, expert %d".formatted(store.layers().get(layer).name(), expert);
    return new Load(slot, what, slot(slot), store.reads(layer, expert), readBytes);
  }

  /** Gives up a lease that may still be a load lease. */
  void abandon(int slot) {
    lock.lock();
    try {
      switch (state.get(slot)) {
        case LOADING -> loadLeases[slot]--;
        case FAILED -> {
          if (--loadLeases[slot] == 0) {
            vacate(slot);
            progress.signalAll();
          }
        }
        default -> release(slot);
      }
    } finally {
      lock.unlock();
    }
  }

  private void loadFinished(Load load) {
    int slot = load.slot();
    lock.lock();
    try {
      int expert = expertIn[slot];
      if (load.failure() == null) {
        loads.increment();
        // In this order, so that whoever has a lease finds the bit set.
        masks.get(layerIn[slot]).set(expert - firstExpert[layerIn[slot]]);
        state.set(slot, loadLeases[slot]);
      } else {
        // Whoever asks next tries again in a slot of its own.
        slotOf.set(expert, -1);
        failures[slot] = load.failure();
        state.set(slot, FAILED);
        if (loadLeases[slot] == 0) {
          vacate(slot);
        }
      }
      progress.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** A free slot, made so by eviction if need be; its state is FREE. −1 if all are in use. */
  private int takeSlot(int layer) {
    if (unusedSlots > 0) {
      return takeUnusedSlot();
    }
    int quota = Math.max(1, state.length() / masks.size());
    int victim =
        slotsOfLayer[layer] >= quota
            ? eviction.victim(slot -> evictable(slot) && layerIn[slot] == layer)
            : eviction.victim(slot -> evictable(slot) && slotsOfLayer[layerIn[slot]] > quota);
    if (victim < 0) {
      victim = eviction.victim(this::evictable);
    }
    while (victim >= 0 && !evict(victim)) {
      // Leased by somebody since it was chosen.
      victim = eviction.victim(this::evictable);
    }
    return victim;
  }

  private int takeUnusedSlot() {
    int slot = 0;
    while (state.get(slot) != FREE) {
      slot++;
    }
    unusedSlots--;
    return slot;
  }

  private boolean evictable(int slot) {
    return state.get(slot) == 0;
  }

  private boolean evict(int slot) {
    if (!state.compareAndSet(slot, 0, FREE)) {
      return false;
    }
    int expert = expertIn[slot];
    masks.get(layerIn[slot]).clear(expert - firstExpert[layerIn[slot]]);
    slotOf.set(expert, -1);
    slotsOfLayer[layerIn[slot]]--;
    occupied--;
    return true;
  }

  /** Frees the slot of a failed load that nobody waits for any more. */
  private void vacate(int slot) {
    failures[slot] = null;
    slotsOfLayer[layerIn[slot]]--;
    occupied--;
    unusedSlots++;
    state.set(slot, FREE);
  }

  private Pager startPager(CacheSettings settings) {
    try {
      return new Pager(settings.ioThreads(), settings.readBytes(), this::loadFinished);
    } catch (OutOfMemoryError e) {
      store.close();
      maskArena.close();
      memory.close();
      throw e;
    }
  }

  private MappedMemory map(long bytes) {
    try {
      return new MappedMemory(bytes);
    } catch (OutOfMemoryError e) {
      store.close();
      throw e;
    }
  }

  private static LayerStore largest(List<LayerStore> layers) {
    return layers.stream()
        .reduce((a, b) -> b.expertBytes() > a.expertBytes() ? b : a)
        .orElseThrow();
  }

  private static int[] filled(int length, int value) {
    int[] array = new int[length];
    Arrays.fill(array, value);
    return array;
  }
}
