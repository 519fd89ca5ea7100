package dev.warmgate.kernels;

/** Those who run the parts of a step: the caller alone, or several threads. */
public interface Team {

  /** How many parts can run at once: a good number of parts for a batch. */
  int width();

  /**
   * Runs all parts of a step and returns when all are done; what they wrote is then visible to the
   * caller.
   */
  void run(Kernels kernels, Step step, FfnBatch batch);

  /** The calling thread alone, part by part. */
  static Team caller() {
    return CallerTeam.INSTANCE;
  }
}
