package dev.warmgate.benchmarks.dispatch;

import java.util.Arrays;

/**
 * What one method did with one workload.
 *
 * @param survival places filled once each target has dropped what it can't take, in parts of N·k
 * @param correlation Pearson's, of what was sent to each target and its capacity
 * @param gateMass the surviving places' shares of their rows' softmax, in parts of what each row's
 *     k best would have
 * @param millis of one call
 */
record Outcome(double survival, double correlation, double gateMass, double millis) {
  private static final int MIN_CALLS = 3;
  private static final int MAX_CALLS = 15;
  private static final long ENOUGH_NANOS = 60_000_000;

  /** Routes a few times, for the median time. */
  static Outcome measure(Method method, Workload workload, Gate gate) {
    Method.Call call = method.on(workload);
    int[] routes = new int[workload.setting().places()];
    double[] millis = new double[MAX_CALLS];
    int calls = 0;
    long start = System.nanoTime();
    while (calls < MIN_CALLS || (calls < MAX_CALLS && System.nanoTime() - start < ENOUGH_NANOS)) {
      long before = System.nanoTime();
      call.route(routes);
      millis[calls++] = (System.nanoTime() - before) / 1e6;
    }
    Arrays.sort(millis, 0, calls);
    return of(workload, gate, routes, millis[calls / 2]);
  }

  /** Judges routes. */
  static Outcome of(Workload workload, Gate gate, int[] routes, double millis) {
    int[] capacities = workload.capacities();
    int k = workload.setting().fanOut();
    int[] sent = loads(routes, capacities.length);
    int[] taken = new int[capacities.length];
    int survivors = 0;
    double mass = 0;
    for (int place = 0; place < routes.length; place++) {
      int target = routes[place];
      if (target >= 0 && taken[target] < capacities[target]) {
        taken[target]++;
        survivors++;
        mass += gate.share(place / k, target);
      }
    }
    return new Outcome(
        (double) survivors / routes.length,
        correlation(sent, capacities),
        mass / gate.bestMass(),
        millis);
  }

  /** How many rows were sent to each target. */
  static int[] loads(int[] routes, int targets) {
    int[] loads = new int[targets];
    for (int target : routes) {
      if (target >= 0) {
        loads[target]++;
      }
    }
    return loads;
  }

  private static double correlation(int[] a, int[] b) {
    double meanA = Arrays.stream(a).average().orElseThrow();
    double meanB = Arrays.stream(b).average().orElseThrow();
    double ab = 0;
    double aa = 0;
    double bb = 0;
    for (int i = 0; i < a.length; i++) {
      ab += (a[i] - meanA) * (b[i] - meanB);
      aa += (a[i] - meanA) * (a[i] - meanA);
      bb += (b[i] - meanB) * (b[i] - meanB);
    }
    return ab / Math.sqrt(aa * bb);
  }
}
