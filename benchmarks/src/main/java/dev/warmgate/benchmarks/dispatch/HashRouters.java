package dev.warmgate.benchmarks.dispatch;

/** Routing by hash, which needs no state and knows no gate. */
final class HashRouters {
  private HashRouters() {}

  /** The published baseline: every target alike. */
  static void uniform(Workload workload, int[] routes) {
    int n = workload.setting().size();
    int k = workload.setting().fanOut();
    for (int place = 0; place < routes.length; place++) {
      long hash = SipHash.hash(place / k, workload.routeSeed(), place % k);
      routes[place] = (int) Long.remainderUnsigned(hash, n);
    }
  }

  /** A target as likely as its capacity is large. */
  static void weighted(Workload workload, int[] routes) {
    int k = workload.setting().fanOut();
    int[] lots = lots(workload);
    for (int place = 0; place < routes.length; place++) {
      routes[place] = draw(lots, place / k, workload.routeSeed(), place % k);
    }
  }

  /** Two such draws; the target with the smaller part of its capacity taken wins. */
  static void twoChoices(Workload workload, int[] routes) {
    int k = workload.setting().fanOut();
    int[] lots = lots(workload);
    int[] capacities = workload.capacities();
    int[] load = new int[capacities.length];
    for (int place = 0; place < routes.length; place++) {
      int a = draw(lots, place / k, workload.routeSeed(), place % k);
      int b = draw(lots, place / k, workload.routeSeed(), place % k + k);
      long partOfA = (long) load[a] * capacities[b];
      long partOfB = (long) load[b] * capacities[a];
      routes[place] = partOfA <= partOfB ? a : b;
      load[routes[place]]++;
    }
  }

  /** Each target as often as its relative capacity says. */
  private static int[] lots(Workload workload) {
    double[] relative = workload.relative();
    int total = 0;
    for (double capacity : relative) {
      total += (int) capacity;
    }
    int[] lots = new int[total];
    int next = 0;
    for (int target = 0; target < relative.length; target++) {
      for (int i = 0; i < relative[target]; i++) {
        lots[next++] = target;
      }
    }
    return lots;
  }

  private static int draw(int[] lots, int row, long seed, int slot) {
    return lots[(int) Math.unsignedMultiplyHigh(SipHash.hash(row, seed, slot), lots.length)];
  }
}
