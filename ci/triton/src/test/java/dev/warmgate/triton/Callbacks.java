package dev.warmgate.triton;

import static org.bytedeco.tritonserver.global.tritonserver.*;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.bytedeco.javacpp.SizeTPointer;
import org.bytedeco.tritonserver.tritonserver.*;

/** What the core calls back: memory for outputs, answers, and the end of requests. */
final class Callbacks {
  /** One a process: JavaCPP has few functions that C can call. */
  static final Callbacks INSTANCE = new Callbacks();

  private final Map<Long, Pending> pending = new ConcurrentHashMap<>();
  private final AtomicLong ids = new AtomicLong();
  private final TRITONSERVER_ResponseAllocator allocator = new TRITONSERVER_ResponseAllocator(null);

  // Fields, so that the collector leaves them alone while the core may call them.
  private final Allocate allocate = new Allocate();
  private final Free free = new Free();
  private final Complete complete = new Complete();
  private final Released released = new Released();

  private Callbacks() {
    TritonCore.check(TRITONSERVER_ResponseAllocatorNew(allocator, allocate, free, null));
  }

  /** A request that is not answered yet, and what must live as long as it does. */
  static final class Pending {
    final CompletableFuture<List<Reply>> done = new CompletableFuture<>();
    private final long id;

    /** What the core reads from until the answer is there; kept from the collector. */
    @SuppressWarnings("UnusedVariable")
    private final List<TestTensor> inputs;

    private final Consumer<Reply> listener;
    private final List<Reply> replies = new ArrayList<>();
    private RuntimeException failure;

    private Pending(long id, List<TestTensor> inputs, Consumer<Reply> listener) {
      this.id = id;
      this.inputs = inputs;
      this.listener = listener;
    }
  }

  Pending pending(List<TestTensor> inputs, Consumer<Reply> listener) {
    Pending made = new Pending(ids.incrementAndGet(), inputs, listener);
    pending.put(made.id, made);
    return made;
  }

  void attach(TRITONSERVER_InferenceRequest request, Pending call) {
    TritonCore.check(
        TRITONSERVER_InferenceRequestSetReleaseCallback(request, released, address(call.id)));
    TritonCore.check(
        TRITONSERVER_InferenceRequestSetResponseCallback(
            request, allocator, (Pointer) null, complete, address(call.id)));
  }

  void forget(Pending call) {
    pending.remove(call.id);
  }

  /** A number where the core passes a pointer through. */
  private static Pointer address(long id) {
    return new Pointer() {
      {
        address = id;
      }
    };
  }

  private static final class Allocate extends TRITONSERVER_ResponseAllocatorAllocFn_t {
    @Override
    public TRITONSERVER_Error call(
        TRITONSERVER_ResponseAllocator allocator,
        String name,
        long bytes,
        int preferredType,
        long preferredId,
        Pointer user,
        @SuppressWarnings("rawtypes") PointerPointer buffer,
        @SuppressWarnings("rawtypes") PointerPointer bufferUser,
        IntPointer actualType,
        LongPointer actualId) {
      actualType.put(0, TRITONSERVER_MEMORY_CPU);
      actualId.put(0, 0);
      buffer.put(0, bytes == 0 ? null : Pointer.malloc(bytes));
      bufferUser.put(0, (Pointer) null);
      return null;
    }
  }

  private static final class Free extends TRITONSERVER_ResponseAllocatorReleaseFn_t {
    @Override
    public TRITONSERVER_Error call(
        TRITONSERVER_ResponseAllocator allocator,
        Pointer buffer,
        Pointer bufferUser,
        long bytes,
        int type,
        long id) {
      if (buffer != null) {
        Pointer.free(buffer);
      }
      return null;
    }
  }

  private static final class Released extends TRITONSERVER_InferenceRequestReleaseFn_t {
    @Override
    public void call(TRITONSERVER_InferenceRequest request, int flags, Pointer user) {
      TRITONSERVER_InferenceRequestDelete(request);
    }
  }

  private final class Complete extends TRITONSERVER_InferenceResponseCompleteFn_t {
    @Override
    public void call(TRITONSERVER_InferenceResponse response, int flags, Pointer user) {
      Pending call = pending.get(user.address());
      try {
        if (response != null && !response.isNull()) {
          TRITONSERVER_Error error = TRITONSERVER_InferenceResponseError(response);
          if (error != null && !error.isNull()) {
            // The error is the response's.
            call.failure =
                new TritonCore.CoreException(
                    TRITONSERVER_ErrorCode(error), TRITONSERVER_ErrorMessage(error));
          } else {
            Reply reply = copy(response);
            call.replies.add(reply);
            call.listener.accept(reply);
          }
          TRITONSERVER_InferenceResponseDelete(response);
        }
      } catch (RuntimeException e) {
        call.failure = e;
      }
      if ((flags & TRITONSERVER_RESPONSE_COMPLETE_FINAL) != 0) {
        pending.remove(call.id);
        if (call.failure == null) {
          call.done.complete(call.replies);
        } else {
          call.done.completeExceptionally(call.failure);
        }
      }
    }
  }

  private static Reply copy(TRITONSERVER_InferenceResponse response) {
    int[] count = new int[1];
    TritonCore.check(TRITONSERVER_InferenceResponseOutputCount(response, count));
    Map<String, Reply.Output> outputs = new LinkedHashMap<>();
    try (PointerPointer<BytePointer> name = new PointerPointer<>(1);
        IntPointer type = new IntPointer(1);
        PointerPointer<LongPointer> shape = new PointerPointer<>(1);
        LongPointer rank = new LongPointer(1);
        PointerPointer<BytePointer> base = new PointerPointer<>(1);
        SizeTPointer size = new SizeTPointer(1);
        IntPointer memory = new IntPointer(1);
        LongPointer memoryId = new LongPointer(1);
        PointerPointer<Pointer> user = new PointerPointer<>(1)) {
      for (int i = 0; i < count[0]; i++) {
        TritonCore.check(
            TRITONSERVER_InferenceResponseOutput(
                response, i, name, type, shape, rank, base, size, memory, memoryId, user));
        long[] dims = new long[(int) rank.get()];
        if (dims.length > 0) {
          shape.get(LongPointer.class).get(dims);
        }
        byte[] content = new byte[(int) size.get()];
        if (content.length > 0) {
          base.get(BytePointer.class).get(content);
        }
        outputs.put(
            name.get(BytePointer.class).getString(), new Reply.Output(type.get(), dims, content));
      }
    }
    return new Reply(outputs);
  }
}
