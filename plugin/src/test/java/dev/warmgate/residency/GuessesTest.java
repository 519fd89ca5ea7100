package dev.warmgate.residency;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GuessesTest {

  @ParameterizedTest
  @CsvSource({"1, 0", "3, 0", "4, 1", "7, 1", "8, 2", "103, 25"})
  void aQuarterOfTheSlotsMayHoldUnusedGuesses(int slots, int most) {
    var guesses = new Guesses(slots, 1);
    for (int slot = 0; slot < most; slot++) {
      assertFalse(guesses.full());
      guesses.begin(slot, 0);
    }
    assertTrue(guesses.full());
    if (most > 0) {
      guesses.asked(0, true);
      assertFalse(guesses.full());
      guesses.begin(0, 0);
      assertTrue(guesses.full());
      guesses.gone(0);
      assertFalse(guesses.full());
    }
  }

  /** A server gets there in weeks. */
  @Test
  void aWrongGuessIsGivenUpHoweverOftenItsLayerRan() {
    for (int before = 0; before < 6; before++) {
      var guesses = new Guesses(8, 2, Integer.MAX_VALUE - before);
      guesses.begin(3, 1);
      for (int execution = 0; execution < 2; execution++) {
        guesses.executed(1);
        assertTrue(guesses.isUnused(3));
        assertTrue(guesses.isProtected(3), before + " before the end of the numbers");
      }
      guesses.executed(1);
      guesses.executed(1);
      assertFalse(guesses.isProtected(3), before + " before the end of the numbers");
      assertTrue(guesses.isUnused(3));
    }
    // And where the numbers come to 0, which says that there is no guess.
    var guesses = new Guesses(8, 1, -2);
    guesses.begin(3, 0);
    assertTrue(guesses.isUnused(3));
  }

  @Test
  void aGuessIsProtectedForTwoExecutionsOfItsOwnLayer() {
    var guesses = new Guesses(8, 3);
    guesses.executed(1);
    guesses.executed(1);
    guesses.executed(1);
    guesses.begin(5, 1);
    guesses.executed(0);
    guesses.executed(2);
    guesses.executed(0);
    guesses.executed(2);
    assertTrue(guesses.isProtected(5));
    guesses.executed(1);
    assertTrue(guesses.isProtected(5));
    guesses.executed(1);
    assertTrue(guesses.isProtected(5));
    guesses.executed(1);
    assertFalse(guesses.isProtected(5));
    assertTrue(guesses.isUnused(5), "wrong so far, but it may still be asked for");
    guesses.asked(5, true);
    assertFalse(guesses.isUnused(5));
    assertEquals(List.of(1L, 0L, 0L), counts(guesses));
  }

  @Test
  void aGuessEndsOnce() {
    var guesses = new Guesses(8, 1);
    guesses.asked(3, true);
    guesses.gone(3);
    assertEquals(List.of(0L, 0L, 0L), counts(guesses), "there was none");
    guesses.begin(3, 0);
    guesses.asked(3, false);
    guesses.asked(3, true);
    guesses.gone(3);
    assertEquals(List.of(0L, 1L, 0L), counts(guesses));
    guesses.begin(3, 0);
    guesses.gone(3);
    guesses.gone(3);
    guesses.asked(3, true);
    assertEquals(List.of(0L, 1L, 1L), counts(guesses));
    assertFalse(guesses.isUnused(3) || guesses.isProtected(3));
  }

  @Test
  void whoeverRacesToAskCountsItOnce() throws Exception {
    int slots = 400;
    var guesses = new Guesses(slots, 1);
    for (int round = 0; round < 20; round++) {
      for (int slot = 0; slot < slots; slot++) {
        guesses.begin(slot, 0);
      }
      try (ExecutorService pool = Executors.newFixedThreadPool(4)) {
        List<Future<?>> tasks = new ArrayList<>();
        for (int t = 0; t < 4; t++) {
          int kind = t;
          tasks.add(
              pool.submit(
                  () -> {
                    for (int slot = 0; slot < slots; slot++) {
                      if (kind == 0) {
                        guesses.gone(slot);
                      } else {
                        guesses.asked(slot, kind == 1);
                      }
                    }
                  }));
        }
        for (Future<?> task : tasks) {
          task.get();
        }
      }
    }
    assertEquals(20L * slots, counts(guesses).stream().mapToLong(Long::longValue).sum());
    assertFalse(guesses.full());
  }

  private static List<Long> counts(Guesses guesses) {
    return List.of(guesses.used(), guesses.late(), guesses.wasted());
  }
}
