package dev.warmgate.host.ort;

import dev.warmgate.host.ffi.Stub;
import dev.warmgate.host.ffi.Native;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;

/** {@code OrtNodeComputeInfo}: executes one claimed node. */
final class NodeCompute implements AutoCloseable {
  private static final long STRUCT_BYTES = 32;

  private final OrtApi api;
  private final LayerKernel kernel;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment struct = Upcall.struct(STRUCT_BYTES, arena);

  NodeCompute(OrtApi api, LayerKernel kernel) {
    this.api = api;
    this.kernel = kernel;
    callback(8, "createState", 3, true);
    callback(16, "compute", 3, true);
    callback(24, "releaseState", 2, false);
  }

  /** The struct that ONNX Runtime sees, until {@link #close}. */
  long address() {
    return struct.address();
  }

  private void callback(long offset, String method, int parameters, boolean result) {
    struct.set(
        ValueLayout.JAVA_LONG,
        offset,
        Stub.of(MethodHandles.lookup(), this, method, parameters, result, arena));
  }

  long createState(long self, long computeContext, long stateOut) {
    return Upcall.status(api, "CreateState", () -> Native.putPointer(stateOut, 0));
  }

  long compute(long self, long state, long context) {
    return kernel.compute(context);
  }

  void releaseState(long self, long state) {
    // There is none.
  }

  @Override
  public void close() {
    kernel.close();
    arena.close();
  }
}
