package dev.warmgate.cli;

import java.util.List;

/**
 * A table of numbers, drawn as colours.
 *
 * @param rows from the top; each with as many values as the others, finite
 */
public record HeatMap(String title, String xAxis, String yAxis, List<List<Double>> rows) {}
