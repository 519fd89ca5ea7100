package dev.warmgate.host.triton;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.warmgate.host.ffi.CallMemory;
import dev.warmgate.host.ffi.Native;
import dev.warmgate.host.triton.TritonException.Code;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One request, from when Triton hands it over until it is released.
 *
 * <p>SAFETY: the core keeps the request and its inputs until {@link #release}.
 */
final class Request {
  private static final int RELEASE_ALL = 1;

  private final long handle;
  private final long taken = System.nanoTime();
  private final long timeoutNanos;
  private final Map<String, Input> inputs;
  private final List<String> outputs;

  /**
   * An input as it came.
   *
   * @param type Triton's number
   * @param dims the batch dimension included
   * @param buffers pieces that its content is in
   */
  @SuppressWarnings("ArrayRecordComponent") // Never compared.
  record Input(String name, long handle, int type, long[] dims, long bytes, int buffers) {

    /** How many elements the shape has. */
    long elements() {
      long elements = 1;
      for (long dim : dims) {
        elements = Math.multiplyExact(elements, dim);
      }
      return elements;
    }

    /**
     * One piece of the content.
     *
     * @throws TritonException if it is in a GPU's memory
     */
    MemorySegment buffer(int index) {
      long out = CallMemory.of(4 * Long.BYTES).address();
      // The kind of memory that is wanted, the CPU's, is 0 as well.
      Native.putPointer(out + 16, 0);
      Native.putPointer(out + 24, 0);
      Core.INPUT_BUFFER.call(handle, index, out, out + 8, out + 16, out + 24);
      if (Native.integer(out + 16) == Response.GPU_MEMORY) {
        throw new TritonException(
            Code.UNSUPPORTED, "input '%s' is in a GPU's memory".formatted(name));
      }
      return Native.view(Native.pointer(out), Native.pointer(out + 8));
    }

    /** Copies the content, all of it, to a place of the same size. */
    void copyTo(MemorySegment target) {
      long done = 0;
      for (int i = 0; i < buffers; i++) {
        MemorySegment piece = buffer(i);
        target.asSlice(done, piece.byteSize()).copyFrom(piece);
        done += piece.byteSize();
      }
    }
  }

  private Request(long handle, long timeoutNanos, Map<String, Input> inputs, List<String> outputs) {
    this.handle = handle;
    this.timeoutNanos = timeoutNanos;
    this.inputs = inputs;
    this.outputs = outputs;
  }

  /** Reads what a request has and wants. */
  static Request read(long handle) {
    long out = CallMemory.of(6 * Long.BYTES).address();
    Core.REQUEST_TIMEOUT.call(handle, out);
    long timeout = Native.pointer(out) * 1000;
    Core.REQUEST_INPUT_COUNT.call(handle, out);
    int count = Native.integer(out);
    Map<String, Input> inputs = LinkedHashMap.newLinkedHashMap(count);
    for (int i = 0; i < count; i++) {
      Core.REQUEST_INPUT.call(handle, i, out);
      Input input = input(Native.pointer(out), out);
      inputs.put(input.name(), input);
    }
    Core.REQUEST_OUTPUT_COUNT.call(handle, out);
    int wanted = Native.integer(out);
    List<String> outputs = new ArrayList<>(wanted);
    for (int i = 0; i < wanted; i++) {
      Core.REQUEST_OUTPUT_NAME.call(handle, i, out);
      outputs.add(Native.string(Native.pointer(out)));
    }
    return new Request(handle, timeout, inputs, outputs);
  }

  private static Input input(long input, long out) {
    Core.INPUT_PROPERTIES.call(input, out, out + 8, out + 16, out + 24, out + 32, out + 40);
    int rank = Native.integer(out + 24);
    long[] dims = Native.view(Native.pointer(out + 16), 8L * rank).toArray(JAVA_LONG);
    return new Input(
        Native.string(Native.pointer(out)),
        input,
        Native.integer(out + 8),
        dims,
        Native.pointer(out + 32),
        Native.integer(out + 40));
  }

  long handle() {
    return handle;
  }

  /** Its inputs, by name. */
  Map<String, Input> inputs() {
    return inputs;
  }

  /** The outputs that it wants. */
  List<String> outputs() {
    return outputs;
  }

  /** Why nobody waits for the answer any more; empty while somebody does. */
  Optional<TritonException> lapsed() {
    long out = CallMemory.of(Integer.BYTES).address();
    Core.REQUEST_CANCELLED.call(handle, out);
    if (Native.bool(out)) {
      return Optional.of(new TritonException(Code.CANCELLED, "the request was cancelled"));
    }
    if (timeoutNanos > 0 && System.nanoTime() - taken > timeoutNanos) {
      return Optional.of(
          new TritonException(
              Code.UNAVAILABLE,
              "the request took longer than its timeout of %d us".formatted(timeoutNanos / 1000)));
    }
    return Optional.empty();
  }

  /** A response that has nothing in it yet. */
  Response respond() {
    return Response.to(handle);
  }

  /** Answers with an error. */
  void fail(TritonException error) {
    respond().fail(error);
  }

  /** Gives the request back to the core, which may free it. */
  void release() {
    release(handle);
  }

  /** Gives back a request that couldn't even be read. */
  static void release(long handle) {
    Core.REQUEST_RELEASE.call(handle, RELEASE_ALL);
  }
}
