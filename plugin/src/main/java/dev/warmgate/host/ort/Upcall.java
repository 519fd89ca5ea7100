package dev.warmgate.host.ort;

import dev.warmgate.failure.FailureText;
import java.io.IOException;
import java.util.function.Consumer;

/** The wall between C and Java that no exception gets through. */
final class Upcall {
  private static final System.Logger LOG = System.getLogger(Upcall.class.getName());

  /** Called with the name of each upcall before its body; tests make it throw. */
  private static volatile Consumer<String> fault = _ -> {};

  private Upcall() {}

  /** The body of an upcall. */
  interface Body {
    /** May throw anything. */
    void run() throws Exception;
  }

  /** What is done about a failure. */
  interface FailureHandler {
    /** May throw anything. */
    void handle(Throwable failure) throws Throwable;
  }

  /**
   * Runs the body of an upcall that answers with an {@code OrtStatus}.
   *
   * @return 0, or a status that says what went wrong
   */
  static long status(OrtApi api, String name, Body body) {
    return status(
        api,
        name,
        body,
        failure -> {
          throw failure;
        });
  }

  /**
   * The same, with another answer to a failure.
   *
   * @param handler what to do about it; if that throws, the upcall fails
   */
  static long status(OrtApi api, String name, Body body, FailureHandler handler) {
    // A Java host's thread may come with an interrupt, under which no file can be read.
    boolean interrupted = Thread.interrupted();
    try {
      try {
        fault.accept(name);
        body.run();
      } catch (Throwable e) {
        handler.handle(e);
      }
      return 0;
    } catch (Throwable e) {
      return failure(api, name, e);
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Runs the body of an upcall that can't fail. */
  static void quiet(String name, Body body) {
    try {
      fault.accept(name);
      body.run();
    } catch (Throwable e) {
      LOG.log(System.Logger.Level.ERROR, name + " failed", e);
    }
  }

  /** The status for an exception that was caught in an upcall. */
  static long failure(OrtApi api, String name, Throwable e) {
    return switch (e) {
      case IllegalArgumentException _, IOException _ ->
          api.createStatus(OrtApi.INVALID_ARGUMENT, "Warmgate: " + FailureText.of(e));
      case IllegalStateException _, OrtCallException _, dev.warmgate.routing.RoutingException _ ->
          api.createStatus(OrtApi.FAIL, "Warmgate: " + FailureText.of(e));
      default -> {
        LOG.log(System.Logger.Level.ERROR, name + " failed", e);
        yield api.createStatus(OrtApi.FAIL, "Warmgate: %s failed: %s".formatted(name, e));
      }
    };
  }

  /** Lets a test fail upcalls by throwing. */
  static void setFault(Consumer<String> newFault) {
    fault = newFault;
  }

  /** For the hot path, which has a try block of its own. */
  static void probe(String name) {
    fault.accept(name);
  }
}
