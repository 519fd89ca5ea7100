package dev.warmgate.residency;

import dev.warmgate.residency.Load.Chunk;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * The threads that read experts, many reads side by side: demands first come, first served, then
 * prefetches.
 *
 * <p>The queues are bounded by the number of slots, since each load has one.
 */
final class Pager implements AutoCloseable {
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition work = lock.newCondition();
  private final ArrayDeque<Load> demand = new ArrayDeque<>();
  private final ArrayDeque<Load> prefetch = new ArrayDeque<>();
  private final List<Thread> threads = new ArrayList<>();
  private final Consumer<Load> finished;
  private final Runnable whenIdle;
  private final Arena arena = Arena.ofShared();
  private final LongAdder bytesRead = new LongAdder();
  private boolean closed;

  /**
   * Starts the threads.
   *
   * @param finished told of each load that is over, on one of the threads
   * @param idle run on one of the threads when it has nothing to read
   * @throws OutOfMemoryError if there is no memory for their buffers; nothing was started then
   */
  Pager(int threadCount, int readBytes, Consumer<Load> finished, Runnable idle) {
    this.finished = finished;
    this.whenIdle = idle;
    // A read that lies badly begins in one block and ends in another.
    long bounceBytes = (long) Math.max(readBytes, ExpertFile.MAX_BLOCK) + ExpertFile.MAX_BLOCK;
    // SAFETY: each thread has a part of its own; close() frees it all after the last has ended.
    MemorySegment bounces = arena.allocate(threadCount * bounceBytes, ExpertFile.MAX_BLOCK);
    for (int i = 0; i < threadCount; i++) {
      MemorySegment bounce = bounces.asSlice(i * bounceBytes, bounceBytes);
      threads.add(Thread.ofPlatform().daemon().name("warmgate-io-" + i).start(() -> serve(bounce)));
    }
  }

  /** Bytes of experts that were read. */
  long bytesRead() {
    return bytesRead.sum();
  }

  /** Queues a read that somebody waits for. */
  void submit(Load load) {
    enqueue(demand, load);
  }

  /** Queues a read that nobody waits for yet: it gets its turn when no other is queued. */
  void submitPrefetch(Load load) {
    enqueue(prefetch, load);
  }

  /** Whether a prefetch would begin soon. */
  boolean idle() {
    lock.lock();
    try {
      return demand.isEmpty() && prefetch.size() < threads.size();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Whether all that is queued is given out to readers, so that the first to be free wants more.
   */
  boolean wantsMore() {
    lock.lock();
    try {
      return allExhausted(demand) && allExhausted(prefetch);
    } finally {
      lock.unlock();
    }
  }

  private static boolean allExhausted(ArrayDeque<Load> queue) {
    for (Load load : queue) {
      if (!load.exhausted()) {
        return false;
      }
    }
    return true;
  }

  /** Makes a queued prefetch a demand, since somebody waits for it now. */
  void promote(int slot) {
    lock.lock();
    try {
      Load load = queued(prefetch, slot);
      if (load != null) {
        prefetch.remove(load);
        demand.add(load);
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * Takes a load back.
   *
   * @return whether it was queued and nothing of it had been read; it isn't then
   */
  boolean cancel(int slot) {
    lock.lock();
    try {
      return remove(demand, queued(demand, slot)) || remove(prefetch, queued(prefetch, slot));
    } finally {
      lock.unlock();
    }
  }

  /**
   * Takes back the prefetch that was queued last.
   *
   * @return its slot, or −1 if there is none of which nothing has been read
   */
  int cancelPrefetch() {
    lock.lock();
    try {
      Load last = prefetch.peekLast();
      return remove(prefetch, last) ? last.slot() : -1;
    } finally {
      lock.unlock();
    }
  }

  private static boolean remove(ArrayDeque<Load> queue, Load load) {
    return load != null && !load.begun() && queue.remove(load);
  }

  /** One that is given out to its end may be of a slot that has its next load already. */
  private static Load queued(ArrayDeque<Load> queue, int slot) {
    for (Load load : queue) {
      if (load.slot() == slot && !load.exhausted()) {
        return load;
      }
    }
    return null;
  }

  private void enqueue(ArrayDeque<Load> queue, Load load) {
    lock.lock();
    try {
      if (closed) {
        throw new IllegalStateException("the expert cache is closed");
      }
      queue.add(load);
      work.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void serve(MemorySegment bounce) {
    for (Chunk chunk = next(); chunk != null; chunk = next()) {
      IOException failure = chunk.read(bounce);
      if (failure == null) {
        bytesRead.add(chunk.target().byteSize());
      }
      if (done(chunk, failure)) {
        chunk.load().verify();
        finished.accept(chunk.load());
      }
    }
  }

  private Chunk next() {
    if (wantsMore()) {
      whenIdle.run();
    }
    return take();
  }

  /** The next chunk, or null when closed and nothing is left. */
  private Chunk take() {
    lock.lock();
    try {
      while (true) {
        ArrayDeque<Load> queue = demand.isEmpty() ? prefetch : demand;
        Load head = queue.peek();
        if (head == null) {
          if (closed) {
            return null;
          }
          work.awaitUninterruptibly();
        } else if (head.exhausted()) {
          queue.remove();
        } else {
          return head.nextChunk();
        }
      }
    } finally {
      lock.unlock();
    }
  }

  private boolean done(Chunk chunk, IOException failure) {
    lock.lock();
    try {
      return chunk.load().chunkDone(failure);
    } finally {
      lock.unlock();
    }
  }

  /** Finishes what was submitted and ends the threads. */
  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      work.signalAll();
    } finally {
      lock.unlock();
    }
    boolean interrupted = false;
    for (Thread thread : threads) {
      while (thread.isAlive()) {
        try {
          thread.join();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }
}
