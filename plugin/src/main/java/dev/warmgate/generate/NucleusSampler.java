package dev.warmgate.generate;

import java.util.SplittableRandom;

/**
 * Draws from the softmax of logits over temperature, cut down to the fewest of the likeliest tokens
 * that together reach top-p.
 */
final class NucleusSampler implements Sampler {
  private final double temperature;
  private final double topP;
  private final SplittableRandom random;

  private double[] weights = {};

  /** Ids as a binary heap, the likeliest at 0. */
  private int[] heap = {};

  NucleusSampler(Sampling sampling) {
    temperature = sampling.temperature();
    topP = sampling.topP();
    random = new SplittableRandom(sampling.seed());
  }

  @Override
  public int next(float[] logits) {
    double total = weigh(logits);
    // One draw a token, whatever the distribution, keeps runs with one seed in step.
    double drawn = random.nextDouble();
    return topP < 1 ? fromNucleus(drawn, topP * total) : fromAll(drawn * total);
  }

  /** Fills the weights, exp((logit - highest) / temperature), and returns their sum. */
  private double weigh(float[] logits) {
    if (weights.length != logits.length) {
      weights = new double[logits.length];
    }
    double highest = logits[GreedySampler.best(logits)];
    double total = 0;
    for (int id = 0; id < weights.length; id++) {
      boolean chosen = logits[id] == highest; // also where both are infinite
      double weight = chosen ? 1 : Math.exp((logits[id] - highest) / temperature);
      weights[id] = Double.isNaN(weight) ? 0 : weight;
      total += weights[id];
    }
    return total;
  }

  private int fromAll(double point) {
    int last = -1;
    for (int id = 0; id < weights.length; id++) {
      if (weights[id] > 0) {
        last = id;
        point -= weights[id];
        if (point < 0) {
          break;
        }
      }
    }
    return last;
  }

  /** Takes the likeliest off the heap until their mass is reached, then draws among them. */
  private int fromNucleus(double drawn, double mass) {
    if (heap.length != weights.length) {
      heap = new int[weights.length];
    }
    int size = heap.length;
    for (int i = 0; i < size; i++) {
      heap[i] = i;
    }
    for (int i = size / 2 - 1; i >= 0; i--) {
      sink(i, size);
    }
    double kept = 0;
    do {
      int likeliest = heap[0];
      kept += weights[likeliest];
      size--;
      heap[0] = heap[size];
      heap[size] = likeliest; // those taken gather at the end, the likeliest last
      sink(0, size);
    } while (kept < mass && size > 0);
    double point = drawn * kept;
    for (int i = heap.length - 1; i > size; i--) {
      point -= weights[heap[i]];
      if (point < 0) {
        return heap[i];
      }
    }
    return heap[size];
  }

  private void sink(int from, int size) {
    int id = heap[from];
    int place = from;
    while (2 * place + 1 < size) {
      int child = 2 * place + 1;
      if (child + 1 < size && before(heap[child + 1], heap[child])) {
        child++;
      }
      if (!before(heap[child], id)) {
        break;
      }
      heap[place] = heap[child];
      place = child;
    }
    if (size > 0) {
      heap[place] = id;
    }
  }

  private boolean before(int a, int b) {
    return weights[a] > weights[b] || (weights[a] == weights[b] && a < b);
  }
}
