package dev.warmgate.expert;

import dev.warmgate.kernels.FfnBatch;
import dev.warmgate.kernels.Kernels;
import dev.warmgate.kernels.Step;
import dev.warmgate.kernels.Team;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

/** Every part of a step on another thread. */
final class ThreadTeam implements Team, AutoCloseable {
  private final int width;
  private final ExecutorService threads;

  /** The most parts that a step had. */
  final AtomicInteger mostParts = new AtomicInteger();

  ThreadTeam(int width) {
    this.width = width;
    threads = Executors.newFixedThreadPool(width);
  }

  @Override
  public int width() {
    return width;
  }

  @Override
  public void run(Kernels kernels, Step step, FfnBatch batch) {
    mostParts.accumulateAndGet(batch.parts(), Math::max);
    List<Future<?>> parts = new ArrayList<>();
    for (int part = 0; part < batch.parts(); part++) {
      int number = part;
      parts.add(threads.submit(() -> kernels.run(step, batch, number)));
    }
    try {
      for (Future<?> part : parts) {
        part.get();
      }
    } catch (ExecutionException | InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Override
  public void close() {
    threads.close();
  }
}
