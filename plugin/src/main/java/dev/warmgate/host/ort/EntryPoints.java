package dev.warmgate.host.ort;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.warmgate.host.ffi.Native;
import dev.warmgate.host.ffi.OrtLibrary;
import dev.warmgate.host.ffi.Stub;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What stands behind {@code CreateEpFactories}, {@code ReleaseEpFactory} and {@code
 * RegisterCustomOps} of the shim library.
 *
 * <p>The shim calls through function pointers. A Java host sets them by way of {@link
 * WarmgateProvider} or {@link WarmgateCustomOps}; for any other host the shim finds or makes a JVM
 * and calls {@link #bind} by JNI.
 */
public final class EntryPoints {
  private static final EntryPoints INSTANCE = new EntryPoints();

  private final Map<Long, EpFactory> factories = new ConcurrentHashMap<>();
  private final long create = stub("createEpFactories", 6);
  private final long release = stub("releaseEpFactory", 1);
  private final long registerCustomOps = stub("registerCustomOps", 2);

  private EntryPoints() {}

  /**
   * Gives the shim its function pointers.
   *
   * @param bindFunction address of the shim's {@code void warmgate_bind(create, release, register)}
   */
  public static void bind(long bindFunction) {
    MethodHandle bind = Native.procedure(JAVA_LONG, JAVA_LONG, JAVA_LONG);
    try {
      // SAFETY: the stubs are in the global arena: they outlive every host.
      bind.invokeExact(
          MemorySegment.ofAddress(bindFunction),
          INSTANCE.create,
          INSTANCE.release,
          INSTANCE.registerCustomOps);
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  /** The same for a Java host, which knows where the shim is. */
  static void bind(Path library) {
    bind(
        SymbolLookup.libraryLookup(library, Arena.global()).findOrThrow("warmgate_bind").address());
  }

  long createEpFactories(
      long registeredName,
      long apiBase,
      long logger,
      long factoriesOut,
      long maxFactories,
      long countOut) {
    OrtApi api = OrtApi.of(apiBase);
    return Upcall.status(
        api,
        "CreateEpFactories",
        () -> {
          Native.putPointer(countOut, 0);
          if (maxFactories < 1) {
            throw new IllegalArgumentException("the host has no room for a factory");
          }
          EpFactory factory = new EpFactory(api);
          OrtLibrary.register(apiBase);
          factories.put(factory.address(), factory);
          Native.putPointer(factoriesOut, factory.address());
          Native.putPointer(countOut, 1);
        });
  }

  long releaseEpFactory(long factory) {
    Upcall.quiet(
        "ReleaseEpFactory",
        () -> {
          EpFactory released = factories.remove(factory);
          if (released != null) {
            released.close();
          }
        });
    return 0;
  }

  long registerCustomOps(long sessionOptions, long apiBase) {
    return CustomOpDomain.register(sessionOptions, apiBase);
  }

  private long stub(String method, int parameters) {
    return Stub.of(MethodHandles.lookup(), this, method, parameters, true, Arena.global());
  }
}
