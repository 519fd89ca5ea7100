package dev.warmgate.residency;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warmgate.kernels.NativeMemory;
import dev.warmgate.metrics.ResidencyStats;
import dev.warmgate.residency.FaultySource.Fault;
import dev.warmgate.residency.eviction.EvictionKind;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Each call of the file system fails in turn: nothing is wrong, stands still or is left behind. */
@Timeout(value = 90, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class FaultInjectionTest {
  private static final int EXPERTS = 8;
  private static final int BYTES = 3_100;
  private static final int CHUNK = 1_000;

  /** What three slots are asked for, by layer. */
  private static final int[][] SCRIPT = {
    {0, 1, 2}, {1, 0}, {0, 3, 4, 5, 1}, {1, 7, 6}, {0, 1, 2}, {1, 0, 1, 2, 3, 4}
  };

  @TempDir Path folder;
  private List<ExpertFixture> layers;
  private long mapped;
  private long allocated;
  private long files;

  @BeforeEach
  void write() throws IOException {
    layers =
        List.of(
            new ExpertFixture(folder, "a", 1, EXPERTS, 2_000, 1_100),
            new ExpertFixture(folder, "b", 2, EXPERTS, BYTES));
    mapped = SharedExperts.bytesMapped();
    allocated = NativeMemory.bytesInUse();
    files = openFiles();
  }

  @AfterEach
  void nothingIsLeft() throws IOException {
    assertEquals(mapped, SharedExperts.bytesMapped());
    assertEquals(allocated, NativeMemory.bytesInUse());
    assertEquals(files, openFiles());
  }

  private static long openFiles() throws IOException {
    Path descriptors = Path.of("/proc/self/fd");
    if (!Files.isDirectory(descriptors)) {
      return 0;
    }
    try (var list = Files.list(descriptors)) {
      return list.count();
    }
  }

  /** One reader, so that calls come one after another. */
  private ExpertCache open(int ioThreads, boolean direct, ByteSource.Opener opener)
      throws IOException {
    return new ExpertCache(
        layers.stream().map(ExpertFixture::store).toList(),
        3L * BYTES,
        new CacheSettings(ioThreads, CHUNK, direct, EvictionKind.LRU),
        opener);
  }

  private void demand(ExpertCache cache, int layer, int... wanted) throws IOException {
    try (LeaseSet leases = cache.newLeaseSet()) {
      leases.begin(layer, wanted, wanted.length);
      int[] ready = new int[wanted.length];
      for (int n = leases.next(ready); n > 0; n = leases.next(ready)) {
        for (int i = 0; i < n; i++) {
          layers.get(layer).check(cache.slot(leases.slot(ready[i])), wanted[ready[i]]);
          leases.release(ready[i]);
        }
      }
    }
  }

  /** Runs the script, a call that fails once more; returns the failures. */
  private List<IOException> script(ExpertCache cache) throws IOException {
    List<IOException> failures = new ArrayList<>();
    for (int[] call : SCRIPT) {
      int[] wanted = Arrays.copyOfRange(call, 1, call.length);
      try {
        demand(cache, call[0], wanted);
      } catch (IOException e) {
        failures.add(e);
        demand(cache, call[0], wanted);
      }
      ResidencyStats stats = cache.statistics();
      assertTrue(stats.peakSlotBytes() <= stats.budgetBytes(), stats.toString());
      cache.requireUnused();
    }
    return failures;
  }

  private void assertNamesAll(IOException failure) {
    String message = failure.getMessage();
    assertEquals(1, message.lines().count(), message);
    assertTrue(
        message.matches("[ab], expert [0-7]: reading \\d+ bytes at offset \\d+ of .* failed: .*"),
        message);
    boolean first = message.startsWith("a");
    assertTrue(message.contains(" of " + layers.get(first ? 0 : 1).file() + " failed"), message);
  }

  /** How the {@code n}-th call goes wrong. */
  private enum Mode {
    /** And the next one is all right: a read is tried twice. */
    ERROR_ONCE(0),
    ERROR_TWICE(1),
    SHORT(0),
    END_ONCE(0),
    END_TWICE(1),
    NOTHING_READ_TWICE(1),
    UNEXPECTED(1),
    NO_MEMORY(1),
    SLOW(0);

    final int failures;

    Mode(int failures) {
      this.failures = failures;
    }

    private boolean strikes(int call, int target) {
      boolean twice = this == ERROR_TWICE || this == END_TWICE || this == NOTHING_READ_TWICE;
      return call == target || (twice && call == target + 1);
    }

    Fault at(int target, AtomicInteger calls) {
      return (file, path, buffer, position) -> {
        if (!strikes(calls.getAndIncrement(), target)) {
          return file.read(buffer, position);
        }
        return switch (this) {
          case ERROR_ONCE, ERROR_TWICE -> throw new IOException("the disk is on fire");
          case SHORT -> Fault.shortReads(1).read(file, path, buffer, position);
          case END_ONCE, END_TWICE -> -1;
          case NOTHING_READ_TWICE -> 0;
          case UNEXPECTED -> throw new IllegalStateException("not a file at all");
          case NO_MEMORY -> throw new OutOfMemoryError("no direct buffer");
          case SLOW -> {
            LockSupport.parkNanos(2_000_000);
            yield file.read(buffer, position);
          }
        };
      };
    }
  }

  private int callsWithoutFaults(boolean direct) throws IOException {
    var calls = new AtomicInteger();
    try (ExpertCache cache =
        open(1, direct, FaultySource.opener(Mode.SLOW.at(Integer.MAX_VALUE, calls)))) {
      assertEquals(List.of(), script(cache));
    }
    return calls.get();
  }

  @Tag("slow")
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void everyReadFailsInTurn(boolean direct) throws IOException {
    int total = callsWithoutFaults(direct);
    assertTrue(total > 40, "calls: " + total);
    for (Mode mode : Mode.values()) {
      for (int target = 0; target < total - 1; target++) {
        String what = mode + " at call " + target;
        try (ExpertCache cache =
            open(1, direct, FaultySource.opener(mode.at(target, new AtomicInteger())))) {
          List<IOException> failures = script(cache);
          // A read that is part of a larger one may be repeated from its beginning.
          assertEquals(mode.failures, failures.size(), what);
          failures.forEach(this::assertNamesAll);
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void whatCannotBeReadFailsItsCallsUntilItCan(int ioThreads) throws IOException {
    var broken = new AtomicBoolean(true);
    FileRegion bad = layers.getFirst().store().tensors().get(1).part(5, EXPERTS);
    Fault fault =
        (file, path, target, position) -> {
          boolean covers =
              position < bad.offset() + bad.length()
                  && position + target.remaining() > bad.offset()
                  && path.equals(bad.file());
          if (broken.get() && covers) {
            throw new IOException("bad block");
          }
          return file.read(target, position);
        };
    try (ExpertCache cache = open(ioThreads, false, FaultySource.opener(fault))) {
      for (int turn = 0; turn < 30; turn++) {
        IOException e = assertThrows(IOException.class, () -> demand(cache, 0, 1, 5, 2, 3));
        assertNamesAll(e);
        assertTrue(e.getMessage().startsWith("a, expert 5: "), e.getMessage());
        cache.prefetch(0, new int[] {5}, new float[] {1}, 1);
        demand(cache, 1, 0, 1, 2, 3, 4, 5, 6, 7);
        demand(cache, 0, 7, 6);
      }
      broken.set(false);
      demand(cache, 0, 5, 4, 3, 2, 1);
      cache.requireUnused();
    }
  }

  /** Reads wait until they are let go; then the first two, one and its repetition, fail. */
  private static Fault firstFailsOnceReleased(CountDownLatch begun, CountDownLatch released) {
    var calls = new AtomicInteger();
    return (file, _, target, position) -> {
      begun.countDown();
      FaultySource.await(released);
      if (calls.getAndIncrement() < 2) {
        throw new IOException("bad moment");
      }
      return file.read(target, position);
    };
  }

  @Test
  void aHintThatFailsIsReadAgainForWhoWaitsForIt() throws Exception {
    var begun = new CountDownLatch(1);
    var released = new CountDownLatch(1);
    try (ExpertCache cache =
            open(1, false, FaultySource.opener(firstFailsOnceReleased(begun, released)));
        LeaseSet leases = cache.newLeaseSet()) {
      cache.hint(0, 5, _ -> 1);
      begun.await();
      leases.begin(0, new int[] {5}, 1);
      leases.request();
      released.countDown();
      assertEquals(1, leases.next(new int[1]));
      layers.getFirst().check(cache.slot(leases.slot(0)), 5);
      leases.release(0);
    }
  }

  @Test
  void aReadThatFailsFailsTheCallThatBeganIt() throws Exception {
    var begun = new CountDownLatch(1);
    var released = new CountDownLatch(1);
    try (ExpertCache cache =
            open(1, false, FaultySource.opener(firstFailsOnceReleased(begun, released)));
        LeaseSet first = cache.newLeaseSet();
        LeaseSet second = cache.newLeaseSet()) {
      first.begin(0, new int[] {5}, 1);
      first.request();
      begun.await();
      second.begin(0, new int[] {5}, 1);
      second.request();
      released.countDown();
      // The slot has two who have yet to learn of it; this one leaves it to the other.
      assertEquals(1, second.next(new int[1]));
      layers.getFirst().check(cache.slot(second.slot(0)), 5);
      second.release(0);
      assertNamesAll(assertThrows(IOException.class, () -> first.next(new int[1])));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void manyThreadsAmongFaultsGetTheRightBytesOrAnError(int seed) throws Exception {
    var broken = new AtomicBoolean(true);
    Fault fault =
        (file, path, target, position) -> {
          int draw = broken.get() ? ThreadLocalRandom.current().nextInt(12) : 12;
          return switch (draw) {
            case 0 -> throw new IOException("now and then");
            case 1 -> Fault.shortReads(7).read(file, path, target, position);
            case 2 -> -1;
            case 3 -> throw new IllegalStateException("unexpected");
            case 4 -> {
              LockSupport.parkNanos(100_000);
              yield file.read(target, position);
            }
            default -> file.read(target, position);
          };
        };
    var failed = new AtomicInteger();
    var served = new AtomicInteger();
    try (ExpertCache cache = open(3, false, FaultySource.opener(fault));
        ExecutorService pool = Executors.newFixedThreadPool(4)) {
      List<Future<?>> tasks = new ArrayList<>();
      for (int t = 0; t < 4; t++) {
        Random random = new Random(10L * seed + t);
        tasks.add(
            pool.submit(
                () -> {
                  for (int i = 0; i < 250; i++) {
                    int[] wanted =
                        random.ints(0, EXPERTS).distinct().limit(1 + random.nextInt(5)).toArray();
                    int layer = random.nextInt(2);
                    cache.hint(1 - layer, random.nextInt(EXPERTS), e -> e);
                    try {
                      demand(cache, layer, wanted);
                      served.incrementAndGet();
                    } catch (IOException e) {
                      assertNamesAll(e);
                      failed.incrementAndGet();
                    }
                  }
                  return null;
                }));
      }
      for (Future<?> task : tasks) {
        task.get();
      }
      broken.set(false);
      for (int expert = 0; expert < EXPERTS; expert++) {
        demand(cache, 0, expert);
        demand(cache, 1, expert);
      }
      assertTrue(
          failed.get() > 20 && served.get() > 20, failed + " failed, " + served + " did not");
      ResidencyStats stats = cache.statistics();
      assertTrue(stats.peakSlotBytes() <= stats.budgetBytes(), stats.toString());
    }
  }

  @Test
  void everyFileThatCannotBeOpenedIsSaidAndNoneStaysOpen() {
    for (int target = 0; target < 2; target++) {
      for (boolean atSize : new boolean[] {false, true}) {
        var opened = new AtomicInteger();
        int bad = target;
        ByteSource.Opener opener =
            (path, options) -> {
              boolean strikes = opened.getAndIncrement() == bad;
              if (strikes && !atSize) {
                throw new IOException("can't open " + path);
              }
              ByteSource file = ByteSource.Opener.FILES.open(path, options);
              return strikes ? withoutSize(file, path) : file;
            };
        IOException e = assertThrows(IOException.class, () -> open(1, false, opener).close());
        assertTrue(e.getMessage().contains(layers.get(target).file().toString()), e.getMessage());
      }
    }
  }

  private static ByteSource withoutSize(ByteSource file, Path path) {
    return new ByteSource() {
      @Override
      public int read(ByteBuffer target, long position) throws IOException {
        return file.read(target, position);
      }

      @Override
      public long size() throws IOException {
        throw new IOException("no size of " + path);
      }

      @Override
      public void close() throws IOException {
        file.close();
      }
    };
  }

  /** Closing must not wait for ever, nor give memory back that is read into. */
  @Test
  void closingWhileReadsFailOrDrag() throws IOException {
    for (int turn = 0; turn < 60; turn++) {
      boolean fails = turn % 2 == 0;
      Fault fault =
          (file, _, target, position) -> {
            LockSupport.parkNanos(300_000);
            if (fails) {
              throw new IOException("too late");
            }
            return file.read(target, position);
          };
      try (ExpertCache cache = open(1 + turn % 3, false, FaultySource.opener(fault));
          LeaseSet leases = cache.newLeaseSet()) {
        leases.begin(0, new int[] {1, 2}, 2);
        leases.request();
        cache.hint(1, 3, _ -> 1);
        LockSupport.parkNanos(turn * 20_000L);
      }
    }
  }

  /** What a checksum refuses is as good as not read. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void bytesThatTheCheckRefusesFailTheLoad(boolean unexpectedly) throws IOException {
    var said = new AtomicReference<IOException>();
    LayerStore store = layers.getFirst().store();
    try (Arena arena = Arena.ofShared();
        ExpertStore open = ExpertStore.open(List.of(store), false)) {
      var pager = new Pager(1, CHUNK, load -> said.set(load.failure()), () -> {});
      Load.Check refuse =
          _ -> {
            if (unexpectedly) {
              throw new IllegalStateException("can't say");
            }
            throw new IOException("a, expert 2: checksum");
          };
      pager.submit(
          new Load(0, "a, expert 2", arena.allocate(BYTES), open.reads(0, 2), CHUNK, refuse));
      pager.close();
      String expected =
          unexpectedly
              ? "a, expert 2: java.lang.IllegalStateException: can't say"
              : "a, expert 2: checksum";
      assertEquals(expected, said.get().getMessage());
      var good = new AtomicReference<IOException>(new IOException());
      var second = new Pager(1, CHUNK, load -> good.set(load.failure()), () -> {});
      second.submit(new Load(0, "", arena.allocate(BYTES), open.reads(0, 2), CHUNK, _ -> {}));
      second.close();
      assertNull(good.get());
    }
  }
}
