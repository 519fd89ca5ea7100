package dev.warmgate.hwdetect;

import dev.warmgate.kernels.Availability;
import dev.warmgate.kernels.Tier;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.Function;

/**
 * Derives a plan from a profile. Pure: it reads nothing but its arguments, so the same arguments
 * give the same plan, but for what {@code confirm} answers.
 */
public final class Planner {

  /** Above this a number of threads is taken for a mistake. */
  static final int MAX_THREADS = 1024;

  private Planner() {}

  /**
   * Makes the plan.
   *
   * @param profile the machine
   * @param request what the user asks for instead
   * @param confirm asks the native library whether a tier runs here: {@code Kernels::availability}.
   *     Called from the best tier downwards until one runs; never for the scalar tier
   * @throws IllegalArgumentException if the request asks for more than the machine has or for a
   *     number that makes no sense; the message names the option
   */
  public static Plan plan(
      HardwareProfile profile, PlanRequest request, Function<Tier, Availability> confirm) {
    List<Decision> decisions = new ArrayList<>();
    Tier tier = TierChoice.choose(profile.cpu(), request.tier(), confirm, decisions);
    int threads = threads(profile, request.threads(), decisions);
    IoChoice io = IoChoice.choose(profile.storage(), request.ioThreads(), decisions);
    long expertMemory =
        MemoryChoice.choose(
            profile.memory(), profile.jvm(), io.bufferBytes(), io.slotAlignment(), decisions);
    return new Plan(
        tier,
        threads,
        io.ioThreads(),
        expertMemory,
        io.slotAlignment(),
        io.readBytes(),
        io.queueDepth(),
        io.directIo(),
        decisions);
  }

  /**
   * One thread a physical core: two on one core share its vector units and caches and gain nothing.
   * A quota is rounded down, since a team that uses it up is stopped as a whole until the next
   * period; the rest goes to reads.
   */
  private static int threads(
      HardwareProfile profile, OptionalInt requested, List<Decision> decisions) {
    Cores cores = profile.cpu().cores();
    if (requested.isPresent()) {
      int threads = checked("threads", requested.getAsInt());
      String reason =
          threads > cores.usableLogical()
              ? "option threads; more than the " + cores.usableLogical() + " this process may use"
              : "option threads";
      decisions.add(new Decision("threads", Integer.toString(threads), reason));
      return threads;
    }
    int threads = Math.max(1, cores.usablePhysical());
    String reason =
        "physical cores this process may use, of " + cores.physical() + " in the machine";
    if (cores.quota().isPresent() && cores.quota().getAsDouble() < threads) {
      threads = Math.max(1, (int) cores.quota().getAsDouble());
      reason =
          "cgroup quota of "
              + cores.quota().getAsDouble()
              + " CPUs, rounded down, but no less than 1";
    }
    int processors = profile.jvm().processors();
    if (processors >= 1 && processors < threads) {
      threads = processors;
      reason = "processors that the JVM offers";
    }
    decisions.add(new Decision("threads", Integer.toString(threads), reason));
    return threads;
  }

  /** Refuses a number of threads that makes no sense. */
  static int checked(String option, int threads) {
    if (threads < 1 || threads > MAX_THREADS) {
      throw new IllegalArgumentException(
          "option " + option + ": " + threads + " is not between 1 and " + MAX_THREADS);
    }
    return threads;
  }
}
