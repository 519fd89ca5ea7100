package dev.warmgate.host.ffi;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.Arrays;

/** Functions that C can call. Whatever they do, no exception may leave them. */
public final class Stub {
  private Stub() {}

  /**
   * A C function pointer for a method of an object. All parameters are longs; a result is a long,
   * or none.
   *
   * @param arena frees the stub; must not be closed from within it
   */
  public static long of(
      MethodHandles.Lookup lookup,
      Object receiver,
      String method,
      int parameters,
      boolean result,
      Arena arena) {
    MemoryLayout[] arguments = new MemoryLayout[parameters];
    Arrays.fill(arguments, ValueLayout.JAVA_LONG);
    FunctionDescriptor descriptor =
        result
            ? FunctionDescriptor.of(ValueLayout.JAVA_LONG, arguments)
            : FunctionDescriptor.ofVoid(arguments);
    MethodType type = descriptor.toMethodType();
    try {
      MethodHandle target = lookup.bind(receiver, method, type);
      return Linker.nativeLinker().upcallStub(target, descriptor, arena).address();
    } catch (ReflectiveOperationException e) {
      throw new LinkageError(e.getMessage(), e);
    }
  }
}
