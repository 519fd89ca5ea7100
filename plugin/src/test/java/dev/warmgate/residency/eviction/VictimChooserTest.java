package dev.warmgate.residency.eviction;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.Comparator;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class VictimChooserTest {
  private static final int[] EXPERTS = {4, 6, 5};

  /** Worths of few different values, so that ties are many. */
  private static EvictionPolicy worths(float[][] worths) {
    return new EvictionPolicy() {
      @Override
      public void used(int layer, int[] experts, int count) {}

      @Override
      public float worth(int layer, int expert) {
        return worths[layer][expert];
      }
    };
  }

  /** The choice by sorting: what is spared last, then by worth, distance and slot. */
  private static int sorted(
      float[][] worths,
      int layer,
      int[] layerIn,
      int[] expertOf,
      boolean[] spared,
      IntStream from) {
    return from.boxed()
        .min(
            Comparator.<Integer, Boolean>comparing(s -> spared[s])
                .thenComparing(s -> worths[layerIn[s]][expertOf[s]])
                .thenComparing(s -> -((layerIn[s] - layer + 2 + 3) % 3))
                .thenComparing(s -> s))
        .orElse(-1);
  }

  @ParameterizedTest
  @EnumSource(Sharing.class)
  void choosesWhatSortingFinds(Sharing sharing) {
    Random random = new Random(3);
    for (int round = 0; round < 3000; round++) {
      int slots = 1 + random.nextInt(9);
      float[][] worths = new float[3][6];
      for (float[] row : worths) {
        for (int i = 0; i < row.length; i++) {
          row[i] = random.nextInt(3);
        }
      }
      int[] layerIn = new int[slots];
      int[] expertOf = new int[slots];
      int[] expertIn = new int[slots];
      int[] ofLayer = new int[3];
      boolean[] candidate = new boolean[slots];
      boolean[] spared = new boolean[slots];
      for (int slot = 0; slot < slots; slot++) {
        layerIn[slot] = random.nextInt(3);
        expertOf[slot] = random.nextInt(EXPERTS[layerIn[slot]]);
        expertIn[slot] = new int[] {0, 4, 10}[layerIn[slot]] + expertOf[slot];
        ofLayer[layerIn[slot]]++;
        candidate[slot] = random.nextInt(4) > 0;
        spared[slot] = random.nextInt(3) == 0;
      }
      var chooser =
          new VictimChooser(
              worths(worths),
              sharing,
              EXPERTS,
              new VictimChooser.Slots(
                  expertIn, layerIn, ofLayer, s -> candidate[s], s -> spared[s]));
      int layer = random.nextInt(3);
      float limit = random.nextInt(4);
      int entitled = Math.max(1, slots / 3);
      int[] all = IntStream.range(0, slots).filter(s -> candidate[s]).toArray();
      int[] allowed =
          sharing == Sharing.POOL
              ? all
              : Arrays.stream(all)
                  .filter(
                      s ->
                          ofLayer[layer] >= entitled
                              ? layerIn[s] == layer
                              : ofLayer[layerIn[s]] > entitled)
                  .toArray();
      int[] colder =
          Arrays.stream(allowed).filter(s -> worths[layerIn[s]][expertOf[s]] < limit).toArray();
      assertEquals(
          sorted(
              worths,
              layer,
              layerIn,
              expertOf,
              spared,
              Arrays.stream(allowed.length > 0 ? allowed : all)),
          chooser.forNeed(layer));
      assertEquals(
          sorted(worths, layer, layerIn, expertOf, spared, Arrays.stream(colder)),
          chooser.forGuess(layer, limit));
    }
  }

  @Test
  void infinitelyWorthlessExpertsGoToo() {
    EvictionPolicy lru = EvictionKind.LRU.create(new int[] {2}, 0);
    var chooser =
        new VictimChooser(
            lru,
            Sharing.POOL,
            new int[] {2},
            new VictimChooser.Slots(
                new int[] {1}, new int[] {0}, new int[] {1}, _ -> true, _ -> false));
    assertEquals(0, chooser.forNeed(0));
  }
}
