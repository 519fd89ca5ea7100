package dev.warmgate.host.session;

/** Ends a run early, between two nodes of the graph. Stopping is thread-safe; closing isn't. */
public final class RunControl implements AutoCloseable {
  private final SessionApi api = SessionApi.get();
  private final long options = api.make(SessionAbi.CREATE_RUN_OPTIONS);

  long options() {
    return options;
  }

  /** Lets the run that uses this now, and all later ones, fail. */
  public void stop() {
    api.call(SessionAbi.RUN_OPTIONS_SET_TERMINATE, options);
  }

  /** Lets runs go on again. */
  public void reset() {
    api.call(SessionAbi.RUN_OPTIONS_UNSET_TERMINATE, options);
  }

  @Override
  public void close() {
    api.release(SessionAbi.RELEASE_RUN_OPTIONS, options);
  }
}
