package dev.warmgate.host.ort;

import dev.warmgate.host.ffi.Stub;
import dev.warmgate.host.ffi.Native;
import dev.warmgate.expert.MoeLayer;
import dev.warmgate.expert.Pool;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;

/** {@code OrtNodeComputeInfo}: executes one claimed node. */
final class NodeCompute implements AutoCloseable {
  private static final long STRUCT_BYTES = 32;
  private static final int MAX_RANK = 8;

  private final OrtApi api;
  private final MoeLayer layer;
  private final NodeInputs inputs;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment struct = Upcall.struct(STRUCT_BYTES, arena);
  private final Pool<Call> calls;

  /**
   * @param inputs of the node that ONNX Runtime calls
   * @param width how many threads the host may bring to a call
   */
  NodeCompute(OrtApi api, MoeLayer layer, NodeInputs inputs, int width) {
    this.api = api;
    this.layer = layer;
    this.inputs = inputs;
    this.calls = new Pool<>(() -> new Call(new OrtTeam(api, width)));
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
    try {
      Upcall.probe("Compute");
      Call call = calls.take();
      try {
        compute(context, call);
      } finally {
        calls.give(call);
      }
      return 0;
    } catch (Throwable e) {
      return Upcall.failure(api, "Compute of " + layer.spec().name(), e);
    }
  }

  void releaseState(long self, long state) {
    // There is none.
  }

  private void compute(long context, Call call) throws IOException {
    long hidden = api.contextInput(context, inputs.hidden(), call.out);
    int rank = api.tensorShape(hidden, call.dims, MAX_RANK, call.out);
    int size = layer.spec().shape().hidden();
    if (rank < 2 || Native.pointer(call.dims + 8L * (rank - 1)) != size) {
      throw new IllegalArgumentException(
          "%s: hidden states must end in a dimension of %d".formatted(layer.spec().name(), size));
    }
    int tokens = tokens(call.dims, rank);
    long output = api.contextOutput(context, 0, call.dims, rank, call.out);
    if (tokens == 0) {
      return;
    }
    boolean given = layer.spec().rule().givenWeights();
    long rowBytes = (long) size * layer.spec().values().bytes();
    // SAFETY: ONNX Runtime keeps the tensors until this upcall returns; their sizes are checked.
    MemorySegment logits = perExpert(context, inputs.logits(), "router_probs", tokens, call);
    MemorySegment shares =
        given
            ? perExpert(context, inputs.shares(), "router_weights", tokens, call)
            : MemorySegment.NULL;
    call.team.begin(context);
    layer.execute(
        call.hidden.at(api.tensorData(hidden, call.out), tokens * rowBytes),
        logits,
        shares,
        call.output.at(api.tensorData(output, call.out), tokens * rowBytes),
        tokens,
        call.team);
  }

  /** An input that has a value for each token and expert. */
  private MemorySegment perExpert(long context, int input, String name, int tokens, Call call) {
    long value = api.contextInput(context, input, call.out);
    int experts = layer.spec().rule().experts();
    int rank = api.tensorShape(value, call.dims, MAX_RANK, call.out);
    if (rank != 2
        || Native.pointer(call.dims) != tokens
        || Native.pointer(call.dims + 8) != experts) {
      throw new IllegalArgumentException(
          "%s: %s must be %d x %d".formatted(layer.spec().name(), name, tokens, experts));
    }
    View view = input == inputs.logits() ? call.logits : call.shares;
    return view.at(
        api.tensorData(value, call.out), (long) tokens * experts * layer.spec().values().bytes());
  }

  private static int tokens(long dims, int rank) {
    long tokens = 1;
    for (int i = 0; i < rank - 1; i++) {
      tokens = Math.multiplyExact(tokens, Native.pointer(dims + 8L * i));
    }
    return Math.toIntExact(tokens);
  }

  @Override
  public void close() {
    calls.close();
    arena.close();
  }

  /** What one execution needs for itself. */
  private static final class Call implements AutoCloseable {
    final OrtTeam team;
    final Arena arena = Arena.ofShared();
    final long out = arena.allocate(ValueLayout.JAVA_LONG).address();
    final long dims = arena.allocate(ValueLayout.JAVA_LONG, MAX_RANK).address();
    final View hidden = new View();
    final View logits = new View();
    final View shares = new View();
    final View output = new View();

    Call(OrtTeam team) {
      this.team = team;
    }

    @Override
    public void close() {
      arena.close();
    }
  }

  /** A view of the host's memory, kept for the next call, which often has its tensors there too. */
  private static final class View {
    private MemorySegment segment = MemorySegment.NULL;

    MemorySegment at(long address, long bytes) {
      if (segment.address() != address || segment.byteSize() != bytes) {
        segment = Native.view(address, bytes);
      }
      return segment;
    }
  }
}
