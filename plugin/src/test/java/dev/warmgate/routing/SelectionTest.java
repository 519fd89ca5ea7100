package dev.warmgate.routing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.warmgate.kernels.NativeMemory;
import dev.warmgate.metrics.RoutingStats;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a selection and the counters say of memory that a kernel has filled. */
class SelectionTest {

  /** What was written for a call, summed up by plain loops. */
  private record Sums(int tokens, int chosen, int misses, int displaced, double kept) {}

  /** Fills a selection as a kernel does, and checks what it says token by token. */
  private static Sums fill(Selection selection, Random random, int tokens, String what) {
    selection.begin(tokens);
    int k = selection.topK();
    assertEquals(tokens, selection.tokens(), what);
    assertEquals(tokens * k, selection.assignments(), what);
    int[] chosen = new int[tokens];
    int[] displaced = new int[tokens];
    int[] misses = new int[tokens];
    float[] kept = new float[tokens];
    for (int token = 0; token < tokens; token++) {
      // Every count from none to all is as likely.
      chosen[token] = random.nextInt(k + 1);
      displaced[token] = random.nextInt(k + 1);
      misses[token] = random.nextInt(k + 1);
      kept[token] = random.nextFloat();
      for (int rank = 0; rank < k; rank++) {
        int at = token * k + rank;
        boolean is = rank < chosen[token];
        selection.ids().setAtIndex(ValueLayout.JAVA_INT, at, is ? 1000 + at : -1);
        selection.weights().setAtIndex(ValueLayout.JAVA_FLOAT, at, is ? at + 0.5f : 0);
        int out = rank < displaced[token] ? 5000 + at : -1;
        selection.extras().displaced().setAtIndex(ValueLayout.JAVA_INT, at, out);
      }
      selection.extras().misses().setAtIndex(ValueLayout.JAVA_INT, token, misses[token]);
      selection.extras().kept().setAtIndex(ValueLayout.JAVA_FLOAT, token, kept[token]);
    }
    Sums sums = new Sums(tokens, 0, 0, 0, 0);
    for (int token = 0; token < tokens; token++) {
      String which = what + ", token " + token;
      assertEquals(chosen[token], selection.chosen(token), which);
      assertEquals(displaced[token], selection.displacedCount(token), which);
      assertEquals(misses[token], selection.misses(token), which);
      assertEquals(kept[token], selection.kept(token), which);
      for (int rank = 0; rank < k; rank++) {
        int at = token * k + rank;
        boolean is = rank < chosen[token];
        assertEquals(is ? 1000 + at : -1, selection.expert(at), which);
        assertEquals(is ? at + 0.5f : 0, selection.weight(at), which);
        int out = rank < displaced[token] ? 5000 + at : -1;
        assertEquals(out, selection.displaced(token, rank), which);
      }
      sums =
          new Sums(
              tokens,
              sums.chosen + chosen[token],
              sums.misses + misses[token],
              sums.displaced + displaced[token],
              sums.kept + kept[token]);
    }
    return sums;
  }

  /** A strength that remembers what it is told. */
  private static final class Told implements Lambda {
    Sums last;

    @Override
    public float value() {
      return 0;
    }

    @Override
    public void observe(int chosen, int misses, double kept, int tokens) {
      last = new Sums(tokens, chosen, misses, 0, kept);
    }

    @Override
    public boolean adapts() {
      return true;
    }
  }

  @Test
  void saysWhatAKernelWroteAndSumsItUp() {
    long before = NativeMemory.bytesInUse();
    for (int seed = 1; seed <= 40; seed++) {
      Random random = new Random(seed);
      try (Selection selection = new Selection(1 + random.nextInt(9))) {
        RoutingCounters counters = new RoutingCounters();
        Sums all = new Sums(0, 0, 0, 0, 0);
        // Longer and shorter calls, one after the other.
        for (int call = 0; call < 6; call++) {
          String what = "seed " + seed + ", call " + call;
          Sums sums = fill(selection, random, 1 + random.nextInt(20), what);
          Told told = new Told();
          selection.tell(told);
          assertEquals(sums.tokens, told.last.tokens, what);
          assertEquals(sums.chosen, told.last.chosen, what);
          assertEquals(sums.misses, told.last.misses, what);
          assertEquals(sums.kept, told.last.kept, 1e-9, what);
          counters.add(selection);
          all =
              new Sums(
                  all.tokens + sums.tokens,
                  all.chosen + sums.chosen,
                  all.misses + sums.misses,
                  all.displaced + sums.displaced,
                  all.kept + sums.kept);
          RoutingStats stats = counters.statistics(0.25f);
          assertEquals(all.tokens, stats.tokens(), what);
          assertEquals(all.chosen, stats.chosen(), what);
          assertEquals(all.misses, stats.misses(), what);
          assertEquals(all.displaced, stats.displaced(), what);
          assertEquals(all.kept, stats.keptSum(), 1e-6, what);
          assertEquals(0.25f, stats.lambda(), what);
        }
      }
    }
    assertEquals(before, NativeMemory.bytesInUse());
  }

  @Test
  void keepsItsMemoryUntilALongerCall() {
    try (Selection selection = new Selection(3)) {
      selection.begin(7);
      MemorySegment ids = selection.ids();
      for (int tokens : new int[] {1, 7, 4}) {
        selection.begin(tokens);
        assertSame(ids, selection.ids());
      }
      selection.begin(8);
      assertEquals(8 * 3 * Integer.BYTES, selection.ids().byteSize());
      assertEquals(8L * Float.BYTES, selection.extras().kept().byteSize());
    }
  }

  @Test
  void isOfUseAfterACallThatThereWasNoMemoryFor() {
    Random random = new Random(5);
    try (Selection selection = new Selection(1 << 20)) {
      selection.begin(2);
      assertThrows(OutOfMemoryError.class, () -> selection.begin(Integer.MAX_VALUE));
      fill(selection, random, 1, "after it");
      fill(selection, random, 2, "after it");
    }
  }

  /** An infinite logit has all of the mass, as it has in the kernels. */
  @ParameterizedTest
  @CsvSource({"Infinity, 0, 0", "Infinity, Infinity, 1", "2, 2, 1", "0, -Infinity, 0"})
  void whatIsKeptIsAShareWhateverTheLogits(float first, float second, float kept) {
    try (Selection selection = new Selection(1);
        Arena arena = Arena.ofConfined()) {
      MemorySegment logits = arena.allocateFrom(ValueLayout.JAVA_FLOAT, first, second);
      MemorySegment residents = arena.allocateFrom(ValueLayout.JAVA_LONG, 2);
      selection.begin(1);
      selection.ids().setAtIndex(ValueLayout.JAVA_INT, 0, 0);
      selection.keepGateChoice();
      selection.ids().setAtIndex(ValueLayout.JAVA_INT, 0, 1);
      selection.compareWithGate(0, logits, residents);
      assertEquals(kept, selection.kept(0));
      assertEquals(0, selection.displaced(0, 0));
      assertEquals(0, selection.misses(0));
    }
  }
}
