package dev.warmgate.host.triton;

import dev.warmgate.host.session.RunControl;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Stops runs whose requests are all cancelled or overdue. Thread-safe. */
final class RunWatch {
  private final Set<Run> running = ConcurrentHashMap.newKeySet();

  /** A run that is under way. */
  static final class Run {
    private final List<Request> requests;
    private final RunControl control;
    private boolean over;
    private boolean stopped;

    private Run(List<Request> requests, RunControl control) {
      this.requests = requests;
      this.control = control;
    }

    private synchronized void look() {
      // Once a run is over, its requests may be gone.
      if (!over && !stopped && requests.stream().allMatch(r -> r.lapsed().isPresent())) {
        control.stop();
        stopped = true;
      }
    }

    private synchronized void finish() {
      over = true;
      if (stopped) {
        control.reset();
      }
    }
  }

  /** Watches from now on. */
  Run begin(List<Request> requests, RunControl control) {
    Run run = new Run(requests, control);
    running.add(run);
    return run;
  }

  /** Stops watching; the requests may be released afterwards. */
  void end(Run run) {
    running.remove(run);
    run.finish();
  }

  /** Looks at all runs. */
  void look() {
    running.forEach(Run::look);
  }
}
