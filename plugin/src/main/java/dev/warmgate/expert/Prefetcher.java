package dev.warmgate.expert;

import dev.warmgate.residency.ModelExperts.Place;
import dev.warmgate.residency.ResidencyMask;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Guesses which experts the next layer will want, and has them read while this one computes.
 *
 * <p>A guess counts for as much as guesses of its rank, of absent experts, were right lately: one
 * that is hardly ever right is not read, and none evicts an expert that is likelier to be wanted.
 * So what can't be foreseen throttles itself. Where all of the next layer's experts are resident,
 * nothing is done.
 *
 * <p>Shared by the threads of a session. A forecast is kept a thread, since a host executes the
 * layers of one call on one thread; one that doesn't only makes forecasts look worse.
 */
final class Prefetcher implements AutoCloseable {
  /** The most experts that are guessed for a layer. */
  private static final int MAX_GUESSES = 64;

  /**
   * A guess that is likelier wrong than right isn't read: a right one hides a wait, a wrong one
   * costs a read and, later, the one that it evicts.
   */
  private static final float LEAST_PROBABILITY = 0.5f;

  private final Forecaster forecaster;
  private final List<Target> targets = new ArrayList<>();

  @SuppressWarnings("ThreadLocalUsage") // One a session: a thread may execute several in turn.
  private final ThreadLocal<Forecast> forecasts = ThreadLocal.withInitial(Forecast::new);

  /** A layer: where its experts are, and how well it was foreseen for one token and for several. */
  private record Target(Place place, ResidencyMask mask, RankPrecision one, RankPrecision several) {
    Target(Place place) {
      this(
          place,
          place.cache().mask(place.index()),
          new RankPrecision(MAX_GUESSES),
          new RankPrecision(MAX_GUESSES));
    }

    RankPrecision precision(int tokens) {
      return tokens == 1 ? one : several;
    }
  }

  /** What a thread has seen of the layer before, and expects of the one that comes next. */
  private static final class Forecast {
    final int[] experts = new int[MAX_GUESSES];
    final boolean[] absent = new boolean[MAX_GUESSES];
    final int[] likely = new int[MAX_GUESSES];
    final float[] probabilities = new float[MAX_GUESSES];
    int layer = -1;
    int tokens;
    int count;
    int before = -1;
    int[] chosenBefore = new int[0];
    int chosenCount;

    void remember(int justRun, int tokenCount, Assignments chosen) {
      before = justRun;
      tokens = tokenCount;
      chosenCount = chosen.groups();
      if (chosenBefore.length < chosenCount) {
        chosenBefore = new int[chosen.experts().length];
      }
      System.arraycopy(chosen.experts(), 0, chosenBefore, 0, chosenCount);
    }
  }

  /**
   * A prefetcher for a session.
   *
   * @param places where each layer's experts are cached, in the order of execution
   */
  Prefetcher(Forecaster forecaster, List<Place> places) {
    this.forecaster = forecaster;
    places.forEach(place -> targets.add(new Target(place)));
  }

  /**
   * Notes what a layer selected, and has the next one's experts read.
   *
   * @param layer of the session
   * @param hidden {@code f32[tokens, H]}
   * @param chosen the experts that the layer selected
   */
  void routed(int layer, MemorySegment hidden, int tokens, Assignments chosen) {
    Forecast forecast = forecasts.get();
    if (forecast.tokens == tokens) {
      if (forecast.layer == layer) {
        score(forecast, chosen);
      }
      if (forecast.before >= 0 && after(forecast.before) == layer) {
        forecaster.learn(
            forecast.before, forecast.chosenBefore, forecast.chosenCount, tokens, chosen);
      }
    }
    forecast.remember(layer, tokens, chosen);
    forecast.layer = -1;
    int next = after(layer);
    if (!targets.get(next).mask().isFull()) {
      forecast.count = forecaster.forecast(layer, hidden, tokens, chosen, forecast.experts);
      forecast.layer = next;
      prefetch(forecast, targets.get(next));
    }
  }

  private int after(int layer) {
    return layer + 1 == targets.size() ? 0 : layer + 1;
  }

  /** Only what was absent is measured: residents are wanted more often, and need no guess. */
  private void score(Forecast forecast, Assignments chosen) {
    RankPrecision precision = targets.get(forecast.layer).precision(forecast.tokens);
    for (int rank = 0; rank < forecast.count; rank++) {
      if (forecast.absent[rank]) {
        precision.observe(rank, chosen.contains(forecast.experts[rank]));
      }
    }
  }

  private static void prefetch(Forecast forecast, Target target) {
    RankPrecision precision = target.precision(forecast.tokens);
    int likely = 0;
    for (int rank = 0; rank < forecast.count; rank++) {
      int expert = forecast.experts[rank];
      forecast.absent[rank] = !target.mask().contains(expert);
      if (forecast.absent[rank] && precision.of(rank) >= LEAST_PROBABILITY) {
        forecast.likely[likely] = expert;
        forecast.probabilities[likely] = precision.of(rank);
        likely++;
      }
    }
    target
        .place()
        .cache()
        .prefetch(target.place().index(), forecast.likely, forecast.probabilities, likely);
    target.place().cache().fillRest();
  }

  @Override
  public void close() {
    forecaster.close();
  }
}
