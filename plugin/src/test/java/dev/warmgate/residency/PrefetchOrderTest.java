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
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Whose turn it is when guesses and demands wait for one reader, which is held up at load 0. */
@Timeout(value = 20, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class PrefetchOrderTest {
  private static final int BYTES = 100;

  @TempDir Path folder;
  private final List<Integer> order = Collections.synchronizedList(new ArrayList<>());
  private final CountDownLatch busy = new CountDownLatch(1);
  private final CountDownLatch free = new CountDownLatch(1);
  private Arena arena;
  private ExpertStore store;
  private Pager pager;

  @BeforeEach
  void open() throws IOException {
    var layer = new ExpertFixture(folder, "layer", 1, 8, BYTES);
    arena = Arena.ofShared();
    store = ExpertStore.open(List.of(layer.store()), false);
    pager = new Pager(1, BYTES, this::finished, () -> {});
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
    busy.countDown();
    try {
      free.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private Load load(int slot) {
    return new Load(slot, "", arena.allocate(BYTES), store.reads(0, slot), BYTES, _ -> {});
  }

  /** Reads load 0 and holds the reader there. */
  private void holdUp() throws InterruptedException {
    pager.submit(load(0));
    busy.await();
  }

  private List<Integer> orderOfAll() {
    free.countDown();
    pager.close();
    return order;
  }

  @Test
  void demandsComeBeforeGuesses() throws InterruptedException {
    holdUp();
    pager.submitPrefetch(load(1));
    pager.submit(load(2));
    pager.submitPrefetch(load(3));
    pager.submit(load(4));
    assertEquals(List.of(0, 2, 4, 1, 3), orderOfAll());
  }

  @Test
  void aPromotedGuessIsADemandAndIsReadOnce() throws InterruptedException {
    holdUp();
    pager.submitPrefetch(load(1));
    pager.submitPrefetch(load(2));
    pager.submit(load(3));
    pager.promote(2);
    pager.submit(load(4));
    // Of what is a demand or on its way already, nothing changes.
    pager.promote(2);
    pager.promote(3);
    pager.promote(7);
    assertEquals(List.of(0, 3, 2, 4, 1), orderOfAll());
    assertEquals(5 * BYTES, pager.bytesRead());
  }

  @Test
  void thereIsRoomForAsManyGuessesAsReadersAndForNoneBesideADemand() throws InterruptedException {
    assertTrue(pager.idle());
    pager.submitPrefetch(load(0));
    busy.await();
    // The reader hasn't come back from it.
    assertFalse(pager.idle());
    pager.submit(load(1));
    assertFalse(pager.idle());
    assertEquals(List.of(0, 1), orderOfAll());
    assertTrue(pager.idle());
  }

  @Test
  void aWaitingDemandLeavesNoRoom() throws InterruptedException {
    holdUp();
    assertFalse(pager.idle());
    orderOfAll();
  }
}
