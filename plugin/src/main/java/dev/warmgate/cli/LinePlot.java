package dev.warmgate.cli;

import java.util.List;

/** Lines through points, over one pair of axes. */
public record LinePlot(String title, String xAxis, String yAxis, List<Line> lines) {

  /**
   * One line.
   *
   * @param x of its points, in the order in which the line passes them
   * @param y of the same points
   * @param limit whether it is something to compare with, not a contender
   */
  public record Line(String name, List<Double> x, List<Double> y, boolean limit) {}
}
