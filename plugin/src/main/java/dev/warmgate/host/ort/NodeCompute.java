package dev.warmgate.host.ort;

import dev.warmgate.host.ffi.Native;
import java.lang.foreign.Arena;

/** {@code OrtNodeComputeInfo}: executes one claimed node. */
final class NodeCompute implements AutoCloseable {
  private static final long STRUCT_BYTES = 32;

  private final OrtApi api;
  private final LayerKernel kernel;
  private final Arena arena = Arena.ofShared();
  private final CallbackStruct struct = new CallbackStruct(this, STRUCT_BYTES, arena);

  NodeCompute(OrtApi api, LayerKernel kernel) {
    this.api = api;
    this.kernel = kernel;
    struct.callback(8, "createState", 3, true);
    struct.callback(16, "compute", 3, true);
    struct.callback(24, "releaseState", 2, false);
  }

  /** The struct that ONNX Runtime sees, until {@link #close}. */
  long address() {
    return struct.address();
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
