package dev.warmgate.residency;

import dev.warmgate.metrics.ResidencyStats;
import dev.warmgate.residency.eviction.EvictionPolicy;
import dev.warmgate.residency.eviction.VictimChooser;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.IntStream;

/**
 * A bounded number of slots, all of one size, for the experts of some layers.
 *
 * <p>An expert's slot is found, and leased, without a lock while the expert is resident. Everything
 * else, which is what leads to a read, happens under one lock.
 */
public final class ExpertCache implements AutoCloseable {
  /** For policies that draw lots; a cache behaves the same each time. */
  private static final long SEED = 1;

  private final ExpertStore store;
  private final long budgetBytes;
  private final Slots slots;
  private final EvictionPolicy eviction;

  /** False if there is a slot for every expert: nothing is to be learned then. */
  private final boolean evicts;

  /** Whether all experts are on their way, now or later. */
  private volatile boolean fillsRest;

  private final Guesses guesses;
  private final VictimChooser victims;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition progress = lock.newCondition();
  private final LoadingSlots loading;
  private final ReadAhead ahead;

  /** Threads that wait for progress. */
  private final AtomicInteger waiters = new AtomicInteger();

  private final LongAdder hits = new LongAdder();
  private final LongAdder misses = new LongAdder();
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
    this(layers, budget, settings, ByteSource.Opener.FILES);
  }

  /** The same, with files that {@code opener} opens. */
  ExpertCache(
      List<LayerStore> layers, long budget, CacheSettings settings, ByteSource.Opener opener)
      throws IOException {
    LayerStore largest = largest(layers);
    long slotBytes = largest.expertBytes();
    if (budget < slotBytes) {
      throw new IllegalArgumentException(
          "option expert_memory: %d bytes is less than one expert of %s (%d bytes)"
              .formatted(budget, largest.name(), slotBytes));
    }
    int[] experts = layers.stream().mapToInt(LayerStore::experts).toArray();
    long all = 0;
    for (int count : experts) {
      all += count;
    }
    int slotCount = Math.toIntExact(Math.min(budget / slotBytes, all));
    evicts = slotCount < all;
    budgetBytes = budget;
    eviction = settings.eviction().create(experts, SEED);
    guesses = new Guesses(slotCount, experts.length);
    store = ExpertStore.open(layers, settings.direct(), opener);
    try {
      slots = new Slots(experts, slotCount, slotBytes);
    } catch (OutOfMemoryError e) {
      store.close();
      throw e;
    }
    victims = slots.chooser(eviction, settings.eviction().sharing(), experts, guesses::isProtected);
    lock.lock(); // The first reader that is idle waits until it can be told what to read ahead.
    try {
      loading =
          new LoadingSlots(lock, progress, store, slots, guesses, settings, this::readersIdle);
      ahead = new ReadAhead(loading, slots, guesses, victims, eviction);
    } catch (OutOfMemoryError e) {
      store.close();
      slots.close();
      throw e;
    } finally {
      lock.unlock();
    }
  }

  /** How many slots there are. */
  public int slots() {
    return slots.count();
  }

  /** The memory of a slot; what is in it may be read only under a lease. */
  public MemorySegment slot(int slot) {
    return slots.memory(slot);
  }

  /** The residency mask of a layer. */
  public ResidencyMask mask(int layer) {
    return slots.mask(layer);
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
          loading.loads(),
          loading.prefetches(),
          guesses.used(),
          guesses.late(),
          guesses.wasted(),
          loading.bytesRead(),
          slots.occupiedBytes(),
          slots.peakBytes(),
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
      if (loading.closed()) {
        return;
      }
      loading.requireUnused();
      loading.stop();
    } finally {
      lock.unlock();
    }
    loading.close();
    store.close();
    slots.close();
  }

  /**
   * @throws IllegalStateException if a call has a lease or waits for one
   */
  void requireUnused() {
    lock.lock();
    try {
      loading.requireUnused();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Says that an expert is wanted, though by nobody who waits. It is read in the background if
   * there is a free slot, or one of its layer's with an expert in it that is colder by the
   * advantage that {@code warmth} asks for; a warmer one never makes room. Nothing is waited for: a
   * hint that comes at a busy moment is dropped.
   */
  public void hint(int layer, int expert, Warmth warmth) {
    if (slots.find(layer, expert) >= 0 || !lock.tryLock()) {
      return;
    }
    try {
      ahead.hint(layer, expert, warmth);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Guesses that experts will be wanted soon. Each is read in the background, once the readers have
   * nothing else to do, if there is a free slot, or one with an expert that is less likely to be
   * wanted; nothing is waited for. A guess that gets no turn before its layer is executed comes to
   * nothing: where everybody waits for the disk, guesses must not make them wait longer.
   *
   * @param experts ids, the likeliest first
   * @param probabilities that the layer's next execution wants them
   * @param count how many are meant
   */
  public void prefetch(int layer, int[] experts, float[] probabilities, int count) {
    int first = 0;
    while (first < count && slots.find(layer, experts[first]) >= 0) {
      first++;
    }
    if (first == count) {
      return;
    }
    lock.lock();
    try {
      for (int i = first; i < count; i++) {
        ahead.guess(layer, experts[i], probabilities[i]);
      }
      ahead.start();
    } finally {
      lock.unlock();
    }
  }

  /** The resident experts of a layer, the one most worth keeping first. */
  List<Integer> hot(int layer) {
    lock.lock();
    try {
      // Once each: they change while the experts are put in order.
      float[] worth = new float[slots.experts(layer)];
      for (int expert = 0; expert < worth.length; expert++) {
        worth[expert] = eviction.worth(layer, expert);
      }
      return IntStream.range(0, worth.length)
          .filter(slots.mask(layer)::contains)
          .boxed()
          .sorted(Comparator.comparingDouble(expert -> -worth[expert]))
          .toList();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Has an expert read in the background, when the readers have nothing else to do, as long as
   * there are unused slots: nothing is evicted for it.
   */
  void fill(int layer, int expert) {
    lock.lock();
    try {
      ahead.fill(layer, expert);
      ahead.start();
    } finally {
      lock.unlock();
    }
  }

  /**
   * If there is a slot for every expert, has all of them read in the background, when the readers
   * have nothing else to do: sooner or later each will be wanted.
   */
  public void fillRest() {
    if (evicts || fillsRest) {
      return;
    }
    lock.lock();
    try {
      fillsRest = true;
      for (int layer = 0; layer < slots.layers(); layer++) {
        for (int expert = 0; expert < slots.experts(layer); expert++) {
          ahead.fill(layer, expert);
        }
      }
      ahead.start();
    } finally {
      lock.unlock();
    }
  }

  /** Whether nothing is being read or waits for its turn. */
  boolean quiet() {
    lock.lock();
    try {
      return ahead.empty() && !loading.loading();
    } finally {
      lock.unlock();
    }
  }

  /** Readers have nothing to do: what nobody waits for gets its turn. */
  private void readersIdle() {
    lock.lock();
    try {
      ahead.start();
    } finally {
      lock.unlock();
    }
  }

  // What follows is for LeaseSet.

  int experts(int layer) {
    return slots.experts(layer);
  }

  /** Notes that a call wants some experts of a layer. */
  void used(int layer, int[] experts, int count) {
    if (evicts) {
      eviction.used(layer, experts, count);
      guesses.executed(layer);
    }
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
  int tryLease(int layer, int expert) {
    int slot = slots.tryLease(layer, expert);
    if (slot >= 0 && guesses.isUnused(slot)) {
      guesses.asked(slot, true);
    }
    return slot;
  }

  void release(int slot) {
    if (slots.release(slot) == 0 && waiters.get() > 0) {
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
    if (failed(slot)) {
      lock.lock();
      try {
        IOException failure = loading.failure(slot);
        throw new IOException(failure.getMessage(), failure);
      } finally {
        lock.unlock();
      }
    }
    return slots.state(slot) >= 0;
  }

  /** Whether the read that a caller waits for has failed. */
  boolean failed(int slot) {
    return slots.state(slot) == Slots.FAILED;
  }

  /** Whether an expert is on its way. The caller holds the lock. */
  boolean isLoading(int layer, int expert) {
    int slot = slots.find(layer, expert);
    return slot >= 0 && slots.state(slot) == Slots.LOADING;
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
  int reserve(int layer, int expert) {
    if (loading.closed()) {
      throw new IllegalStateException("the expert cache is closed");
    }
    int slot = slots.find(layer, expert);
    if (slot >= 0) {
      boolean onItsWay = slots.state(slot) == Slots.LOADING;
      guesses.asked(slot, !onItsWay);
      if (onItsWay) {
        loading.join(slot);
      } else {
        // Under the lock it can't go away: nobody else evicts.
        slots.lease(slot);
      }
      return slot;
    }
    slot = takeSlot(layer);
    if (slot >= 0) {
      loading.read(slot, layer, expert);
    }
    return slot;
  }

  /** Gives up a lease that may still be a load lease. */
  void abandon(int slot) {
    lock.lock();
    try {
      switch (slots.state(slot)) {
        case Slots.LOADING, Slots.FAILED -> {
          loading.leave(slot);
          // A reader that was woken for this one finds nothing, and sleeps again without asking.
          ahead.start();
        }
        default -> release(slot);
      }
    } finally {
      lock.unlock();
    }
  }

  /** A free slot, made so by eviction if need be. −1 if all are in use. */
  private int takeSlot(int layer) {
    int slot = slots.takeUnused();
    while (slot < 0) {
      int victim = victims.forNeed(layer);
      if (victim < 0) {
        return loading.cancelGuess();
      }
      if (loading.evict(victim)) {
        slot = victim;
      }
    }
    return slot;
  }

  private static LayerStore largest(List<LayerStore> layers) {
    return layers.stream()
        .reduce((a, b) -> b.expertBytes() > a.expertBytes() ? b : a)
        .orElseThrow();
  }
}
