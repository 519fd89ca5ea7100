import static org.bytedeco.tritonserver.global.tritonserver.*;

import java.nio.charset.StandardCharsets;
import org.bytedeco.javacpp.*;
import org.bytedeco.tritonserver.tritonserver.*;

/** A Triton server in this process: what every host needs before its first request. */
final class TritonServer implements AutoCloseable {
  // Kept in fields, so that the collector leaves them alone while Triton may call them.
  private static final TRITONSERVER_ResponseAllocatorAllocFn_t ALLOCATE =
      new TRITONSERVER_ResponseAllocatorAllocFn_t() {
        @Override
        public TRITONSERVER_Error call(
            TRITONSERVER_ResponseAllocator allocator,
            String name,
            long bytes,
            int wantedType,
            long wantedId,
            Pointer user,
            PointerPointer buffer,
            PointerPointer bufferUser,
            IntPointer type,
            LongPointer id) {
          buffer.put(0, Pointer.malloc(bytes));
          type.put(0, TRITONSERVER_MEMORY_CPU);
          id.put(0, 0);
          return null;
        }
      };
  private static final TRITONSERVER_ResponseAllocatorReleaseFn_t FREE =
      new TRITONSERVER_ResponseAllocatorReleaseFn_t() {
        @Override
        public TRITONSERVER_Error call(
            TRITONSERVER_ResponseAllocator allocator,
            Pointer buffer,
            Pointer user,
            long bytes,
            int type,
            long id) {
          Pointer.free(buffer);
          return null;
        }
      };

  final TRITONSERVER_Server server = new TRITONSERVER_Server(null);
  final TRITONSERVER_ResponseAllocator allocator = new TRITONSERVER_ResponseAllocator(null);

  /** Serves the models of a repository. */
  TritonServer(String repository, String backends) {
    TRITONSERVER_ServerOptions options = new TRITONSERVER_ServerOptions(null);
    check(TRITONSERVER_ServerOptionsNew(options));
    check(TRITONSERVER_ServerOptionsSetModelRepositoryPath(options, repository));
    check(TRITONSERVER_ServerOptionsSetBackendDirectory(options, backends));
    check(TRITONSERVER_ServerOptionsSetStrictModelConfig(options, false));
    check(TRITONSERVER_ServerOptionsSetLogInfo(options, false));
    check(TRITONSERVER_ServerOptionsSetLogWarn(options, false));
    check(TRITONSERVER_ServerNew(server, options));
    check(TRITONSERVER_ServerOptionsDelete(options));
    check(TRITONSERVER_ResponseAllocatorNew(allocator, ALLOCATE, FREE, null));
  }

  static void check(TRITONSERVER_Error error) {
    if (error != null) {
      throw new IllegalStateException(TRITONSERVER_ErrorMessage(error));
    }
  }

  /** The text in a response, whose first output is text_output: four bytes of length before it. */
  static String text(TRITONSERVER_InferenceResponse response) {
    PointerPointer<BytePointer> base = new PointerPointer<>(1);
    SizeTPointer size = new SizeTPointer(1);
    PointerPointer<Pointer> ignored = new PointerPointer<>(1);
    IntPointer number = new IntPointer(1);
    LongPointer wide = new LongPointer(1);
    check(
        TRITONSERVER_InferenceResponseOutput(
            response, 0, ignored, number, ignored, wide, base, size, number, wide, ignored));
    byte[] content = new byte[(int) size.get()];
    base.get(BytePointer.class).get(content);
    return new String(content, 4, content.length - 4, StandardCharsets.UTF_8);
  }

  /** Waits for requests that are under way. */
  @Override
  public void close() {
    check(TRITONSERVER_ServerStop(server));
    check(TRITONSERVER_ServerDelete(server));
    check(TRITONSERVER_ResponseAllocatorDelete(allocator));
  }
}
