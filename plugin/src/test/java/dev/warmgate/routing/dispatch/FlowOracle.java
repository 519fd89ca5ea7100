package dev.warmgate.routing.dispatch;

import java.util.Arrays;

/**
 * The most rows that can be placed, and the greatest gate mass with so many, by successive shortest
 * paths with Bellman-Ford over a matrix: slow, plain, independent of what it checks.
 *
 * @param placed places filled
 * @param mass the sum of the chosen pairs' mass
 */
record FlowOracle(int placed, double mass) {
  /**
   * Solves one case.
   *
   * @param mass by row and target, negative where the target is forbidden
   */
  static FlowOracle solve(double[][] mass, int fanOut, int[] capacities) {
    int rows = mass.length;
    int targets = capacities.length;
    int source = rows + targets;
    int sink = source + 1;
    int nodes = sink + 1;
    int[][] room = new int[nodes][nodes];
    double[][] cost = new double[nodes][nodes];
    for (int r = 0; r < rows; r++) {
      room[source][r] = fanOut;
      for (int t = 0; t < targets; t++) {
        if (mass[r][t] >= 0) {
          room[r][rows + t] = 1;
          cost[r][rows + t] = -mass[r][t];
          cost[rows + t][r] = mass[r][t];
        }
      }
    }
    for (int t = 0; t < targets; t++) {
      room[rows + t][sink] = capacities[t];
    }
    int placed = 0;
    double total = 0;
    while (true) {
      double[] distance = new double[nodes];
      int[] from = new int[nodes];
      Arrays.fill(distance, Double.POSITIVE_INFINITY);
      distance[source] = 0;
      boolean changed = true;
      while (changed) {
        changed = false;
        for (int a = 0; a < nodes; a++) {
          for (int b = 0; b < nodes; b++) {
            if (room[a][b] > 0 && distance[a] + cost[a][b] < distance[b] - 1e-12) {
              distance[b] = distance[a] + cost[a][b];
              from[b] = a;
              changed = true;
            }
          }
        }
      }
      if (distance[sink] == Double.POSITIVE_INFINITY) {
        return new FlowOracle(placed, total);
      }
      for (int b = sink; b != source; b = from[b]) {
        room[from[b]][b]--;
        room[b][from[b]]++;
      }
      placed++;
      total -= distance[sink];
    }
  }
}
