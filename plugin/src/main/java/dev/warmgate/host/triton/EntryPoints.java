package dev.warmgate.host.triton;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.warmgate.failure.FailureText;
import dev.warmgate.host.ffi.Native;
import dev.warmgate.host.ffi.Stub;
import dev.warmgate.host.session.SessionException;
import dev.warmgate.host.triton.TritonException.Code;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;

/**
 * What stands behind the functions of {@code libtriton_warmgate.so}. The shim calls through a table
 * of function pointers, which it gets by {@link #bind}; threads of Triton are attached to the JVM
 * with their first call, as daemons, and detached when they end.
 */
public final class EntryPoints {
  private static final System.Logger LOG = System.getLogger(EntryPoints.class.getName());

  private static final EntryPoints INSTANCE = new EntryPoints();

  private final Backend backend = new Backend();

  private EntryPoints() {}

  /** The body of an upcall. */
  private interface Body {
    void run() throws Exception;
  }

  /**
   * Gives the shim its functions.
   *
   * @param bindFunction address of the shim's {@code void bind(const Functions*)}, which copies
   *     them
   */
  public static void bind(long bindFunction) {
    String[] methods = {
      "initialize",
      "finalizeBackend",
      "attributes",
      "modelInitialize",
      "modelFinalize",
      "instanceInitialize",
      "instanceFinalize",
      "execute"
    };
    MethodHandle bind = Native.procedure(JAVA_LONG);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment table = arena.allocate(JAVA_LONG, methods.length);
      for (int i = 0; i < methods.length; i++) {
        // SAFETY: the stubs are in the global arena: they outlive the core.
        table.setAtIndex(JAVA_LONG, i, stub(methods[i], methods[i].equals("execute") ? 3 : 1));
      }
      bind.invokeExact(MemorySegment.ofAddress(bindFunction), table.address());
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  private static long stub(String method, int parameters) {
    return Stub.of(MethodHandles.lookup(), INSTANCE, method, parameters, true, Arena.global());
  }

  long initialize(long handle) {
    return guarded("TRITONBACKEND_Initialize", () -> backend.initialize());
  }

  long finalizeBackend(long handle) {
    return guarded("TRITONBACKEND_Finalize", backend::close);
  }

  long attributes(long attributes) {
    return guarded("TRITONBACKEND_GetBackendAttribute", () -> backend.describe(attributes));
  }

  long modelInitialize(long model) {
    return guarded("TRITONBACKEND_ModelInitialize", () -> backend.open(model));
  }

  long modelFinalize(long model) {
    return guarded("TRITONBACKEND_ModelFinalize", () -> backend.close(model));
  }

  long instanceInitialize(long instance) {
    return guarded("TRITONBACKEND_ModelInstanceInitialize", () -> backend.openInstance(instance));
  }

  long instanceFinalize(long instance) {
    return guarded("TRITONBACKEND_ModelInstanceFinalize", () -> backend.closeInstance(instance));
  }

  long execute(long instance, long requests, long count) {
    return guarded(
        "TRITONBACKEND_ModelInstanceExecute", () -> backend.execute(instance, requests, count));
  }

  private static long guarded(String name, Body body) {
    try {
      body.run();
      return 0;
    } catch (Throwable e) {
      TritonException error = explain(name, e);
      return Core.newError(error.code(), error.getMessage());
    }
  }

  /** What Triton is told of a failure; one that nobody foresaw also goes to our own log. */
  static TritonException explain(String what, Throwable failure) {
    return switch (failure) {
      case TritonException known -> known;
      case IllegalArgumentException e -> new TritonException(Code.INVALID_ARG, FailureText.of(e));
      case IOException e -> new TritonException(Code.INVALID_ARG, FailureText.of(e));
      case SessionException e -> new TritonException(Code.INTERNAL, FailureText.of(e));
      case IllegalStateException e -> new TritonException(Code.INTERNAL, FailureText.of(e));
      default -> {
        LOG.log(System.Logger.Level.ERROR, what + " failed", failure);
        yield new TritonException(Code.INTERNAL, "%s failed: %s".formatted(what, failure));
      }
    };
  }
}
