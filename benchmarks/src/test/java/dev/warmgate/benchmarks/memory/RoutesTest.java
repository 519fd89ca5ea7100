package dev.warmgate.benchmarks.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.warmgate.simulate.Trace;
import dev.warmgate.simulate.TraceReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RoutesTest {
  @TempDir Path folder;

  /** Hit rate of LRU in caches of a quarter, one a layer. */
  private static double lru(Routes routes) {
    long hits = 0;
    for (int layer = 0; layer < routes.layers(); layer++) {
      Set<Integer> cached = new LinkedHashSet<>();
      for (int token = 0; token < routes.tokens(); token++) {
        for (int rank = 0; rank < routes.topK(); rank++) {
          hits += cached.remove(routes.expert(token, layer, rank)) ? 1 : 0;
          cached.add(routes.expert(token, layer, rank));
        }
        while (cached.size() > routes.experts() / 4) {
          cached.remove(cached.iterator().next());
        }
      }
    }
    return (double) hits / (routes.tokens() * routes.layers() * routes.topK());
  }

  private static void assertRanksAllExperts(Routes routes) {
    for (int token = 0; token < routes.tokens(); token++) {
      for (int layer = 0; layer < routes.layers(); layer++) {
        Set<Integer> seen = new HashSet<>();
        for (int rank = 0; rank < routes.experts(); rank++) {
          seen.add(routes.expert(token, layer, rank));
        }
        assertEquals(routes.experts(), seen.size());
      }
    }
  }

  @Test
  void madeUpOnesAreAsLocalAsRecordedOnes() {
    Routes routes = MadeUpRoutes.of(4, 32, 4, 2000, 1);
    assertRanksAllExperts(routes);
    assertEquals(0.666, lru(routes), 0.03);
    long reads = 0;
    for (int layer = 0; layer < 4; layer++) {
      reads += new BeladyReads(layer(routes, layer)).count(8, 0, routes.tokens());
    }
    assertEquals(0.779, 1 - reads / (2000.0 * 4 * 4), 0.03);
  }

  private static Routes layer(Routes routes, int layer) {
    short[] order = new short[routes.tokens() * routes.experts()];
    for (int i = 0; i < order.length; i++) {
      order[i] = (short) routes.expert(i / routes.experts(), layer, i % routes.experts());
    }
    return new Routes(1, routes.experts(), routes.topK(), order);
  }

  @Test
  void recordedLayersAreTakenTogetherUntilThereAreEnoughExperts() throws IOException {
    int tokens = 50;
    Trace trace = trace(5, 32, 4, tokens);
    Routes routes = TraceRoutes.of(trace, 9, tokens, 3);
    assertEquals(2, routes.layers());
    assertEquals(64, routes.experts());
    assertEquals(8, routes.topK());
    assertRanksAllExperts(routes);
    for (int token = 0; token < tokens; token++) {
      for (int rank = 0; rank < 8; rank++) {
        int part = rank % 2;
        assertEquals(
            32 * part + trace.expert(token, 2 + part, rank / 2), routes.expert(token, 1, rank));
      }
    }
    assertEquals(1, TraceRoutes.of(trace, 1, tokens, 3).layers());
  }

  private Trace trace(int layers, int experts, int topK, int tokens) throws IOException {
    byte[] ids = new byte[tokens * layers * topK];
    Random random = new Random(4);
    for (int i = 0; i < ids.length; i += topK) {
      Set<Byte> chosen = new LinkedHashSet<>();
      while (chosen.size() < topK) {
        chosen.add((byte) random.nextInt(experts));
      }
      int at = i;
      for (byte expert : chosen) {
        ids[at++] = expert;
      }
    }
    Files.write(folder.resolve("t.u8"), ids);
    Files.writeString(
        folder.resolve("t.json"),
        """
        {"model":"m","layers":%d,"experts":%d,"top_k":%d,
         "sequences":[{"name":"a","offset":0,"tokens":%d}]}
        """
            .formatted(layers, experts, topK, tokens));
    return TraceReader.read(folder.resolve("t"));
  }

  @Test
  void aFileHoldsThem() throws IOException {
    Routes routes = MadeUpRoutes.of(2, 300, 3, 4, 9);
    routes.save(folder.resolve("r"));
    Routes loaded = Routes.load(folder.resolve("r"));
    assertEquals(4, loaded.tokens());
    assertEquals(3, loaded.topK());
    for (int rank = 0; rank < 300; rank++) {
      assertEquals(routes.expert(3, 1, rank), loaded.expert(3, 1, rank));
    }
  }

  @Test
  void ranksThatDoNotFitAreRefused() {
    assertThrows(IllegalArgumentException.class, () -> new Routes(2, 3, 1, new short[7]));
    assertThrows(IllegalArgumentException.class, () -> new Routes(1, 3, 4, new short[3]));
  }
}
