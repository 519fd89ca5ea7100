package dev.warmgate.residency.prefetch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;

class TransitionPredictorTest {

  /** As long as means are plain, they are counts. */
  @Test
  void firstProbabilitiesAreCounts() {
    int[] experts = {4, 6};
    TransitionPredictor predictor = new TransitionPredictor(experts);
    Random random = new Random(1);
    double[] ranOften = new double[4];
    double[][] both = new double[4][6];
    for (int call = 0; call < 200; call++) {
      int[] ran = random.ints(1 + random.nextInt(2), 0, 4).distinct().toArray();
      int[] followed = random.ints(3, 0, 6).distinct().toArray();
      predictor.observe(0, ran, ran.length, followed, followed.length);
      for (int i : ran) {
        ranOften[i]++;
        for (int j : followed) {
          both[i][j]++;
        }
      }
    }
    float[] out = new float[7];
    out[6] = 9;
    predictor.predict(0, new int[] {1, 3, 2}, 2, out);
    for (int j = 0; j < 6; j++) {
      assertEquals((both[1][j] / ranOften[1] + both[3][j] / ranOften[3]) / 2, out[j], 1e-5);
    }
    assertEquals(9, out[6]);
    // The first layer comes after the last; nothing was seen of that.
    predictor.predict(1, new int[] {5}, 1, out);
    assertEquals(0, out[3]);
    assertEquals(0, predictor.next(1));
  }

  @Test
  void followsTheText() {
    TransitionPredictor predictor = new TransitionPredictor(new int[] {2, 2});
    for (int call = 0; call < 10_000; call++) {
      predictor.observe(0, new int[] {0}, 1, new int[] {call < 9000 ? 0 : 1}, 1);
    }
    float[] out = new float[2];
    predictor.predict(0, new int[] {0}, 1, out);
    assertTrue(out[1] > 0.9 && out[1] <= 1 && out[0] >= 0, out[0] + " " + out[1]);
  }

  @Test
  void threadsDontBreakIt() throws InterruptedException {
    TransitionPredictor predictor = new TransitionPredictor(new int[] {8, 8});
    Thread[] threads = new Thread[4];
    for (int t = 0; t < threads.length; t++) {
      int expert = t;
      threads[t] =
          Thread.ofPlatform()
              .start(
                  () -> {
                    for (int call = 0; call < 50_000; call++) {
                      predictor.observe(0, new int[] {expert, 7}, 2, new int[] {7 - expert, 3}, 2);
                    }
                  });
    }
    for (Thread thread : threads) {
      thread.join();
    }
    float[] out = new float[8];
    for (int expert = 0; expert < 3; expert++) {
      predictor.predict(0, new int[] {expert}, 1, out);
      assertEquals(1, out[7 - expert], 0.01);
      assertEquals(1, out[3], 0.01);
      assertEquals(0, out[2 - expert], 0.01);
    }
    predictor.predict(0, new int[] {7}, 1, out);
    for (float probability : out) {
      assertTrue(probability >= -0.1 && probability <= 1.2, "" + probability);
    }
  }
}
