package dev.warmgate.cli;

import java.nio.ByteBuffer;

/** How far one output is from its reference, over all runs. */
final class OutputError {
  private double maxAbsolute;
  private double scale;
  private double squares;
  private long elements;
  private long mismatches;

  /** Adds one run's output and reference. */
  void add(Outputs.Output actual, Outputs.Output reference) {
    if (actual.type() != reference.type() || !actual.shape().equals(reference.shape())) {
      mismatches += Math.max(1, reference.count());
      elements += reference.count();
      return;
    }
    ByteBuffer left = actual.buffer();
    ByteBuffer right = reference.buffer();
    for (int i = 0; i < reference.count(); i++) {
      add(Elements.get(left, actual.type(), i), Elements.get(right, reference.type(), i));
    }
  }

  private void add(double actual, double reference) {
    elements++;
    if (Double.isFinite(reference)) {
      scale = Math.max(scale, Math.abs(reference));
    }
    if (Double.compare(actual, reference) == 0 || actual == reference) {
      return; // NaN with NaN and an infinity with itself among them
    }
    double error = Math.abs(actual - reference);
    if (Double.isFinite(error)) {
      maxAbsolute = Math.max(maxAbsolute, error);
      squares += error * error;
    } else {
      mismatches++;
    }
  }

  double maxAbsolute() {
    return maxAbsolute;
  }

  /** Relative to the output's scale: the largest magnitude in the reference. */
  double maxRelative() {
    return maxAbsolute == 0 ? 0 : maxAbsolute / scale;
  }

  double rms() {
    return elements == 0 ? 0 : Math.sqrt(squares / elements);
  }

  /** Elements that are not a number, infinite, or missing on one side only. */
  long mismatches() {
    return mismatches;
  }

  boolean within(double tolerance) {
    return mismatches == 0 && maxRelative() <= tolerance;
  }
}
