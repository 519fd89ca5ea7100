package dev.warmgate.residency;

import dev.warmgate.metrics.ResidencyStats;
import dev.warmgate.residency.eviction.EvictionPolicy;
import dev.warmgate.residency.eviction.VictimChooser;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

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
  private final int readBytes;
  private final Slots slots;
  private final EvictionPolicy eviction;

  /** False if there is a slot for every expert: nothing is to be learned then. */
  private final boolean evicts;

  /** Whether all experts are on their way, now or later. */
  private volatile boolean fillsRest;

  private final Guesses guesses;
  private final VictimChooser victims;
  private final Pager pager;

  // Guarded by the lock.
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition progress = lock.newCondition();
  private final int[] loadLeases;
  private final IOException[] failures;
  private final Postponed postponed = new Postponed();
  private final ArrayDeque<Wanted> toFill = new ArrayDeque<>();
  private boolean closed;

  private record Wanted(int layer, int expert) {}

  /** Threads that wait for progress. */
  private final AtomicInteger waiters = new AtomicInteger();

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
    readBytes = settings.readBytes();
    eviction = settings.eviction().create(experts, SEED);
    guesses = new Guesses(slotCount, experts.length);
    loadLeases = new int[slotCount];
    failures = new IOException[slotCount];
    store = ExpertStore.open(layers, settings.direct(), opener);
    try {
      slots = new Slots(experts, slotCount, slotBytes);
    } catch (OutOfMemoryError e) {
      store.close();
      throw e;
    }
    victims = slots.chooser(eviction, settings.eviction().sharing(), experts, guesses::isProtected);
    try {
      pager = new Pager(settings.ioThreads(), readBytes, this::loadFinished, this::readersIdle);
    } catch (OutOfMemoryError e) {
      store.close();
      slots.close();
      throw e;
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
          loads.sum(),
          prefetches.sum(),
          guesses.used(),
          guesses.late(),
          guesses.wasted(),
          pager.bytesRead(),
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
      if (closed) {
        return;
      }
      requireUnused();
      closed = true;
      cancelQueued();
    } finally {
      lock.unlock();
    }
    pager.close();
    evictAll();
    store.close();
    slots.close();
  }

  /**
   * @throws IllegalStateException if a call has a lease
   */
  void requireUnused() {
    lock.lock();
    try {
      for (int slot = 0; slot < slots.count(); slot++) {
        int leases =
            switch (slots.state(slot)) {
              case Slots.FREE -> 0;
              case Slots.LOADING, Slots.FAILED -> loadLeases[slot];
              default -> slots.state(slot);
            };
        if (leases > 0) {
          throw new IllegalStateException("an expert is still leased");
        }
      }
    } finally {
      lock.unlock();
    }
  }

  private void cancelQueued() {
    for (int slot = 0; slot < slots.count(); slot++) {
      if (slots.state(slot) == Slots.LOADING && pager.cancel(slot)) {
        vacate(slot);
      }
    }
  }

  /** So that who comes too late finds nothing resident, not memory that is gone. */
  private void evictAll() {
    lock.lock();
    try {
      for (int slot = 0; slot < slots.count(); slot++) {
        if (slots.state(slot) != Slots.FREE && !evict(slot)) {
          throw new IllegalStateException("an expert was leased while its cache was closed");
        }
      }
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
      if (canRead(layer, expert) && pager.idle()) {
        int slot = slots.takeUnused();
        if (slot < 0) {
          slot = takeColder(layer, warmth, warmth.of(expert) - warmth.advantage());
        }
        if (slot >= 0) {
          startPrefetch(slot, layer, expert);
        }
      }
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
        postponed.add(layer, experts[i], probabilities[i], guesses.executions(layer));
      }
      startPostponed();
    } finally {
      lock.unlock();
    }
  }

  /** Starts guesses as long as the readers have nothing to do; the caller holds the lock. */
  private void startPostponed() {
    while (!postponed.isEmpty() && !closed && pager.wantsMore()) {
      int layer = postponed.layer();
      if (postponed.execution() == guesses.executions(layer)
          && canRead(layer, postponed.expert())) {
        guess(layer, postponed.expert(), postponed.probability());
      }
      postponed.removeFirst();
    }
  }

  private void guess(int layer, int expert, float probability) {
    if (guesses.full()) {
      return;
    }
    int slot = slots.takeUnused();
    if (slot < 0) {
      int victim = victims.forGuess(layer, eviction.expected(probability));
      // A guess that may still turn out right isn't given up for another.
      slot = victim >= 0 && guesses.isProtected(victim) ? -1 : takeVictim(victim);
    }
    if (slot >= 0) {
      guesses.begin(slot, layer);
      startPrefetch(slot, layer, expert);
    }
  }

  private boolean canRead(int layer, int expert) {
    return !closed && slots.find(layer, expert) < 0;
  }

  private int takeColder(int layer, Warmth warmth, float value) {
    int coldest = -1;
    float least = value;
    for (int slot = 0; slot < slots.count(); slot++) {
      if (slots.layerIn(slot) == layer && slots.evictable(slot)) {
        float other = warmth.of(slots.expertIn(slot));
        if (other < least) {
          least = other;
          coldest = slot;
        }
      }
    }
    return takeVictim(coldest);
  }

  /** Empties a slot, if there is one and nobody has leased it since it was chosen. */
  private int takeVictim(int slot) {
    return slot >= 0 && evict(slot) ? slot : -1;
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
      toFill.add(new Wanted(layer, expert));
      fillUnused();
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
          toFill.add(new Wanted(layer, expert));
        }
      }
      fillUnused();
    } finally {
      lock.unlock();
    }
  }

  /** Whether nothing is being read or waits for its turn. */
  boolean quiet() {
    lock.lock();
    try {
      return postponed.isEmpty()
          && (toFill.isEmpty() || closed)
          && IntStream.range(0, slots.count()).noneMatch(s -> slots.state(s) == Slots.LOADING);
    } finally {
      lock.unlock();
    }
  }

  /** Readers have nothing to do: what nobody waits for gets its turn. */
  private void readersIdle() {
    lock.lock();
    try {
      startPostponed();
      fillUnused();
    } finally {
      lock.unlock();
    }
  }

  /** Starts what waits to be filled in; the caller holds the lock. */
  private void fillUnused() {
    while (!toFill.isEmpty() && !closed && pager.wantsMore()) {
      Wanted next = toFill.remove();
      if (slots.find(next.layer(), next.expert()) < 0) {
        int slot = slots.takeUnused();
        if (slot < 0) {
          toFill.clear();
          return;
        }
        eviction.used(next.layer(), new int[] {next.expert()}, 1);
        startPrefetch(slot, next.layer(), next.expert());
      }
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
    int now = slots.state(slot);
    if (now == Slots.FAILED) {
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
  int reserve(int layer, int expert) {
    if (closed) {
      throw new IllegalStateException("the expert cache is closed");
    }
    int slot = slots.find(layer, expert);
    if (slot >= 0) {
      boolean loading = slots.state(slot) == Slots.LOADING;
      guesses.asked(slot, !loading);
      if (loading) {
        loadLeases[slot]++;
        pager.promote(slot);
      } else {
        // Under the lock it can't go away: nobody else evicts.
        slots.lease(slot);
      }
      return slot;
    }
    slot = takeSlot(layer);
    if (slot >= 0) {
      pager.submit(startLoad(slot, layer, expert, 1));
    }
    return slot;
  }

  private void startPrefetch(int slot, int layer, int expert) {
    prefetches.increment();
    pager.submitPrefetch(startLoad(slot, layer, expert, 0));
  }

  /** Makes a free slot the place of an expert that is about to be read. */
  private Load startLoad(int slot, int layer, int expert, int leases) {
    loadLeases[slot] = leases;
    slots.occupy(slot, layer, expert);
    String what = "%s, expert %d".formatted(store.layers().get(layer).name(), expert);
    return new Load(
        slot,
        what,
        slots.memory(slot),
        store.reads(layer, expert),
        readBytes,
        arrived -> store.verify(layer, expert, arrived));
  }

  /** Gives up a lease that may still be a load lease. */
  void abandon(int slot) {
    lock.lock();
    try {
      switch (slots.state(slot)) {
        case Slots.LOADING -> {
          if (--loadLeases[slot] == 0 && pager.cancel(slot)) {
            vacate(slot);
          }
        }
        case Slots.FAILED -> {
          if (--loadLeases[slot] == 0) {
            vacate(slot);
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
      if (load.failure() == null) {
        loads.increment();
        slots.publish(slot, loadLeases[slot]);
      } else {
        failures[slot] = load.failure();
        slots.fail(slot);
        if (loadLeases[slot] == 0) {
          vacate(slot);
        }
      }
      progress.signalAll();
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
        return cancelGuess();
      }
      slot = takeVictim(victim);
    }
    return slot;
  }

  /** The slot of a guess that waits for its turn to be read; its turn doesn't come. */
  private int cancelGuess() {
    int slot = pager.cancelPrefetch();
    if (slot < 0) {
      return -1;
    }
    vacate(slot);
    return slots.takeUnused();
  }

  private boolean evict(int slot) {
    if (slots.evict(slot)) {
      guesses.gone(slot);
      return true;
    }
    return false;
  }

  /** Frees a slot whose expert isn't there. */
  private void vacate(int slot) {
    failures[slot] = null;
    guesses.gone(slot);
    slots.vacate(slot);
    progress.signalAll();
  }

  private static LayerStore largest(List<LayerStore> layers) {
    return layers.stream()
        .reduce((a, b) -> b.expertBytes() > a.expertBytes() ? b : a)
        .orElseThrow();
  }
}
