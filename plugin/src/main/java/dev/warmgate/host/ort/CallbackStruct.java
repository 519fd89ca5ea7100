package dev.warmgate.host.ort;

import dev.warmgate.host.ffi.Stub;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;

/**
 * How ONNX Runtime sees an object of this package: a struct with a version in front, function
 * pointers to some of the object's methods behind it, and zeros for those that it leaves out.
 */
final class CallbackStruct {
  private final Object receiver;
  private final Arena arena;
  private final MemorySegment struct;

  /**
   * A struct of the version of the API that plugin providers use.
   *
   * @param receiver whose methods it points to
   * @param arena frees struct and functions; must not be closed from within one
   */
  CallbackStruct(Object receiver, long bytes, Arena arena) {
    this(receiver, bytes, OrtApi.VERSION, arena);
  }

  /** The same of another version. */
  CallbackStruct(Object receiver, long bytes, int version, Arena arena) {
    this.receiver = receiver;
    this.arena = arena;
    struct = arena.allocate(bytes, 8);
    struct.set(ValueLayout.JAVA_INT, 0, version);
  }

  /**
   * Lets a field point to a method, all of whose parameters are longs.
   *
   * @param offset of the field
   * @param parameters how many the method has
   * @param result whether it returns a long, or nothing
   */
  void callback(long offset, String method, int parameters, boolean result) {
    struct.set(
        ValueLayout.JAVA_LONG,
        offset,
        Stub.of(MethodHandles.lookup(), receiver, method, parameters, result, arena));
  }

  /** Where the struct is, as long as its arena is open. */
  long address() {
    return struct.address();
  }
}
