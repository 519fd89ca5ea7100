package dev.warmgate.residency;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What is taken back while one reader is held up within the first chunk of load 0. */
@Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class PagerQueueTest {
  private static final int EXPERTS = 40;
  private static final int CHUNK = 100;
  private static final int CHUNKS = 3;

  /** As many as {@link Pager} says. */
  @TempDir Path folder;

  private final List<Integer> order = Collections.synchronizedList(new ArrayList<>());
  private final CountDownLatch busy = new CountDownLatch(1);
  private final CountDownLatch free = new CountDownLatch(1);
  private volatile Runnable onFirst = () -> {};
  private Arena arena;
  private ExpertStore store;
  private Pager pager;

  @BeforeEach
  void open() throws IOException {
    var layer = new ExpertFixture(folder, "layer", 1, EXPERTS, CHUNK * CHUNKS);
    arena = Arena.ofShared();
    var opener =
        FaultySource.opener(
            (file, _, target, position) -> {
              busy.countDown();
              FaultySource.await(free);
              return file.read(target, position);
            });
    store = ExpertStore.open(List.of(layer.store()), false, opener);
    pager = new Pager(1, CHUNK, this::finished, () -> {});
  }

  @AfterEach
  void close() {
    free.countDown();
    pager.close();
    store.close();
    arena.close();
  }

  private void finished(Load load) {
    order.add(load.slot());
    if (order.size() == 1) {
      onFirst.run();
    }
  }

  private Load load(int slot) {
    return new Load(slot, "", arena.allocate(CHUNK * CHUNKS), store.reads(0, slot), CHUNK, _ -> {});
  }

  private List<Integer> orderOfAll() {
    free.countDown();
    pager.close();
    assertEquals((long) order.size() * CHUNK * CHUNKS, pager.bytesRead());
    return order;
  }

  @Test
  void whatHasNotBegunIsTakenBackAndNeverRead() throws InterruptedException {
    pager.submit(load(0));
    busy.await();
    pager.submit(load(1));
    pager.submit(load(2));
    pager.submitPrefetch(load(3));
    pager.submitPrefetch(load(4));
    assertTrue(pager.cancel(1));
    assertFalse(pager.cancel(1), "it is gone");
    assertTrue(pager.cancel(4));
    assertFalse(pager.cancel(0), "one of its chunks is being read");
    assertFalse(pager.cancel(7), "no such load");
    assertEquals(List.of(0, 2, 3), orderOfAll());
  }

  @Test
  void aBegunGuessIsReadToItsEnd() throws InterruptedException {
    pager.submitPrefetch(load(0));
    busy.await();
    assertFalse(pager.cancel(0));
    assertEquals(-1, pager.cancelPrefetch());
    assertEquals(List.of(0), orderOfAll());
  }

  @Test
  void theGuessThatWasQueuedLastIsTakenBackFirst() throws InterruptedException {
    pager.submitPrefetch(load(0));
    busy.await();
    pager.submitPrefetch(load(1));
    pager.submit(load(2));
    pager.submitPrefetch(load(3));
    assertEquals(3, pager.cancelPrefetch());
    assertEquals(1, pager.cancelPrefetch());
    assertEquals(-1, pager.cancelPrefetch(), "what is left has begun, or is a demand");
    assertEquals(List.of(2, 0), orderOfAll());
  }

  @Test
  void aPromotedGuessCanBeTakenBackAsADemandOnly() throws InterruptedException {
    pager.submit(load(0));
    busy.await();
    pager.submitPrefetch(load(1));
    pager.promote(1);
    assertEquals(-1, pager.cancelPrefetch());
    assertTrue(pager.cancel(1));
    assertEquals(List.of(0), orderOfAll());
  }

  @Test
  void aGuessThatBeganIsPromotedWithWhatIsLeftOfIt() throws InterruptedException {
    pager.submitPrefetch(load(0));
    busy.await();
    pager.submitPrefetch(load(1));
    pager.submit(load(2));
    pager.promote(0);
    assertEquals(List.of(2, 0, 1), orderOfAll());
  }

  @Test
  void isIdleOnceNothingIsQueuedThatMustBeReadFirst() throws InterruptedException {
    assertTrue(pager.idle());
    pager.submit(load(0));
    busy.await();
    assertFalse(pager.idle(), "a demand has chunks to give out");
    pager.submit(load(1));
    free.countDown();
    while (order.size() < 2) {
      Thread.onSpinWait();
    }
    while (!pager.idle()) {
      Thread.onSpinWait();
    }
  }

  /** Its next load is queued in the moment when its last one has arrived. */
  @Test
  void theNextLoadOfASlotIsPromoted() {
    onFirst =
        () -> {
          pager.submitPrefetch(load(1));
          pager.submitPrefetch(load(0));
          pager.promote(0);
        };
    pager.submitPrefetch(load(0));
    free.countDown();
    while (order.size() < 3) {
      Thread.onSpinWait();
    }
    assertEquals(List.of(0, 0, 1), orderOfAll());
  }

  @Test
  void theNextLoadOfASlotIsTakenBack() {
    var taken = new CompletableFuture<Boolean>();
    onFirst =
        () -> {
          pager.submit(load(0));
          taken.complete(pager.cancel(0));
        };
    pager.submit(load(0));
    free.countDown();
    assertTrue(taken.join());
    assertEquals(List.of(0), orderOfAll());
  }
}
