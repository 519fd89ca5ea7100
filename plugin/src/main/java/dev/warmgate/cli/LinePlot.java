package dev.warmgate.cli;

import java.util.List;

/**
 * Lines over one axis.
 *
 * @param x positions of the points, the same for all lines
 */
public record LinePlot(String title, String xAxis, String yAxis, List<Double> x, List<Line> lines) {

  /**
   * One line.
   *
   * @param y as many values as there are positions
   * @param limit whether it is something to compare with, not a contender
   */
  public record Line(String name, List<Double> y, boolean limit) {}
}
