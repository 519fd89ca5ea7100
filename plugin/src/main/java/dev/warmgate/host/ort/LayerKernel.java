package dev.warmgate.host.ort;

import dev.warmgate.expert.MoeLayer;
import dev.warmgate.expert.Pool;
import dev.warmgate.host.ffi.Native;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Computes one layer whenever ONNX Runtime calls a node. */
final class LayerKernel implements AutoCloseable {
  private static final int MAX_RANK = 8;

  private final OrtApi api;
  private final MoeLayer layer;
  private final NodeInputs inputs;
  private final Pool<Call> calls;

  /**
   * @param inputs of the node that ONNX Runtime calls
   * @param width how many threads the host may bring to a call
   */
  LayerKernel(OrtApi api, MoeLayer layer, NodeInputs inputs, int width) {
    this.api = api;
    this.layer = layer;
    this.inputs = inputs;
    this.calls = new Pool<>(() -> new Call(new OrtTeam(api, width)));
  }

  /**
   * The body of an upcall.
   *
   * @param context the {@code OrtKernelContext}
   * @return 0, or an {@code OrtStatus} that says what went wrong
   */
  long compute(long context) {
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

  private void compute(long context, Call call) throws IOException {
    long hidden = input(context, inputs.hidden(), call);
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

  private long input(long context, int input, Call call) {
    long value = api.contextInput(context, input, call.out);
    if (value == 0) {
      throw new IllegalArgumentException(
          "%s: input %d is left out".formatted(layer.spec().name(), input));
    }
    return value;
  }

  /** An input that has a value for each token and expert. */
  private MemorySegment perExpert(long context, int input, String name, int tokens, Call call) {
    long value = input(context, input, call);
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
