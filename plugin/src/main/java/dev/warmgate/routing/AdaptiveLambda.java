package dev.warmgate.routing;

import dev.warmgate.metrics.ControllerState;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A strength that follows two targets: a hit rate to reach, and a share of the gate's own mass that
 * must be kept. Quality wins: mass below its target lowers the strength whatever the hit rate is.
 *
 * <p>An integral controller on the logarithm of λ. Calls are gathered to periods of {@link
 * #PERIOD_TOKENS} tokens; each period's hit rate and kept mass enter moving averages, and the error
 * of the one that matters moves λ by its square, at most {@link #MAX_STEP}. So λ is quick where it
 * is far off, and near its target neither follows the noise of a text nor has a gain to swing with.
 *
 * <p>Threading: one thread at a time closes a period, and no thread waits for it; a call that finds
 * the controller busy is left out of the averages.
 */
public final class AdaptiveLambda implements Lambda {

  private static final int PERIOD_TOKENS = 32;
  private static final double SMOOTHING = 0.1;
  private static final double GAIN = 4;
  private static final double MAX_STEP = 0.05;
  private static final double MIN_LAMBDA = 1e-3;
  private static final double MAX_LAMBDA = 2;

  private final double targetHitRate;
  private final double minMassKept;
  private final ReentrantLock lock = new ReentrantLock();
  private volatile float lambda;
  private volatile double hitRate;
  private volatile double massKept = 1;
  private volatile long periods;

  // Guarded by the lock: the period under way.
  private long chosen;
  private long misses;
  private double kept;
  private long tokens;

  /**
   * A controller before its first period.
   *
   * @param start the first strength, above 0
   * @param targetHitRate in 0..1
   * @param minMassKept in 0..1
   */
  public AdaptiveLambda(float start, double targetHitRate, double minMassKept) {
    this.targetHitRate = targetHitRate;
    this.minMassKept = minMassKept;
    this.lambda = (float) Math.clamp(start, MIN_LAMBDA, MAX_LAMBDA);
  }

  @Override
  public float value() {
    return lambda;
  }

  @Override
  public boolean adapts() {
    return true;
  }

  /** What the controller sees and does now. */
  public ControllerState state() {
    return new ControllerState(lambda, hitRate, massKept, periods);
  }

  @Override
  public Optional<ControllerState> controller() {
    return Optional.of(state());
  }

  @Override
  public void observe(int callChosen, int callMisses, double callKept, int callTokens) {
    if (!lock.tryLock()) {
      return;
    }
    try {
      chosen += callChosen;
      misses += callMisses;
      kept += callKept;
      tokens += callTokens;
      if (tokens >= PERIOD_TOKENS && chosen > 0) {
        closePeriod();
      }
    } finally {
      lock.unlock();
    }
  }

  private void closePeriod() {
    double weight = periods == 0 ? 1 : SMOOTHING;
    double hits = hitRate + weight * (1 - (double) misses / chosen - hitRate);
    double mass = massKept + weight * (kept / tokens - massKept);
    double error = error(hits, mass);
    double step = Math.clamp(GAIN * error * Math.abs(error), -MAX_STEP, MAX_STEP);
    lambda = (float) Math.clamp(lambda * Math.exp(step), MIN_LAMBDA, MAX_LAMBDA);
    hitRate = hits;
    massKept = mass;
    long before = periods;
    periods = before + 1;
    chosen = 0;
    misses = 0;
    kept = 0;
    tokens = 0;
  }

  /** Above 0: more bias. The quality's room bounds what the hit rate asks for. */
  private double error(double hits, double mass) {
    double wanted = targetHitRate - hits;
    // A little mass is worth a lot of hits, so its distance counts more.
    double room = 4 * (mass - minMassKept);
    return Math.min(wanted, room);
  }
}
