package dev.warmgate.host.triton;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.warmgate.host.ffi.CallMemory;
import dev.warmgate.host.ffi.Native;
import dev.warmgate.host.triton.TritonException.Code;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/**
 * An answer that is being written; either sent or failed or dropped, once.
 *
 * <p>SAFETY: a buffer of an output is the core's, of the size asked for, until the response is
 * sent.
 */
final class Response {
  /** Triton's number for memory of a GPU. */
  static final int GPU_MEMORY = 2;

  private static final int MORE = 0;
  private static final int FINAL = 1;

  private final long handle;

  private Response(long handle) {
    this.handle = handle;
  }

  /** The only answer to a request. */
  static Response to(long request) {
    return new Response(Core.create(Core.RESPONSE_NEW, request));
  }

  /** One of several answers. */
  static Response from(long factory) {
    return new Response(Core.create(Core.RESPONSE_NEW_FROM_FACTORY, factory));
  }

  /**
   * Adds an output.
   *
   * @param type Triton's number
   * @return where its elements go
   */
  MemorySegment output(String name, int type, long[] dims, long bytes) {
    long dimsAt = 3 * Long.BYTES;
    long nameAt = dimsAt + Long.BYTES * (long) dims.length;
    byte[] utf8 = name.getBytes(StandardCharsets.UTF_8);
    MemorySegment memory = CallMemory.of(nameAt + utf8.length + 1);
    MemorySegment.copy(dims, 0, memory, JAVA_LONG, dimsAt, dims.length);
    MemorySegment.copy(utf8, 0, memory, JAVA_BYTE, nameAt, utf8.length);
    memory.set(JAVA_BYTE, nameAt + utf8.length, (byte) 0);
    long out = memory.address();
    // SAFETY: Triton copies name and shape.
    Core.RESPONSE_OUTPUT.call(handle, out, out + nameAt, type, out + dimsAt, dims.length);
    long output = Native.pointer(out);
    // The kind of memory that is wanted, the CPU's, is 0.
    Native.putPointer(out + 8, 0);
    Native.putPointer(out + 16, 0);
    Core.OUTPUT_BUFFER.call(output, out, bytes, out + 8, out + 16);
    if (Native.integer(out + 8) == GPU_MEMORY) {
      throw new TritonException(
          Code.UNSUPPORTED, "output '%s' is wanted in a GPU's memory".formatted(name));
    }
    return Native.view(Native.pointer(out), bytes);
  }

  /** Sends the only answer to a request, or the last. */
  void send() {
    Core.RESPONSE_SEND.call(handle, FINAL, 0);
  }

  /** Sends one of several answers. */
  void sendPart() {
    Core.RESPONSE_SEND.call(handle, MORE, 0);
  }

  /** Sends an error instead, as the last answer. */
  void fail(TritonException error) {
    long status = Core.newError(error.code(), error.getMessage());
    try {
      Core.RESPONSE_SEND.call(handle, FINAL, status);
    } finally {
      Core.deleteError(status);
    }
  }

  /** Forgets an answer that was not sent. */
  void drop() {
    Core.RESPONSE_DELETE.call(handle);
  }
}
