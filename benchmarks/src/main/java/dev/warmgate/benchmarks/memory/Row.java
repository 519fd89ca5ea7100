package dev.warmgate.benchmarks.memory;

import dev.warmgate.benchmarks.memory.BoundedProcess.Outcome;

/**
 * One engine under one limit.
 *
 * @param percent of the model that the whole process may take
 * @param limitBytes the limit
 * @param engine which
 * @param outcome of its run
 */
record Row(int percent, long limitBytes, EngineSetup engine, Outcome outcome) {
  /** 0 if it didn't run to its end. */
  double tokensPerSecond() {
    return outcome instanceof Outcome.Ran ran ? ran.measured().tokensPerSecond() : 0;
  }
}
