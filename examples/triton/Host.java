import static org.bytedeco.tritonserver.global.tritonserver.*;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import org.bytedeco.javacpp.*;
import org.bytedeco.tritonserver.tritonserver.*;

/**
 * Triton in a Java program, with Warmgate in Triton: reads prompts, a line each, and writes on from
 * them. JavaCPP's binding of Triton on the class path is all that it needs; the backend brings its
 * own classes and serves in this program's JVM.
 *
 * <pre>java --enable-native-access=ALL-UNNAMED -Dorg.bytedeco.javacpp.pathsFirst=true \
 *     -Djava.library.path=FOLDER_WITH_LIBTRITONSERVER \
 *     -cp 'tritonserver.jar:javacpp.jar:...' Host.java REPOSITORY BACKENDS MODEL</pre>
 */
public class Host {
  private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

  /** The text that is under way; one at a time here. */
  private static CompletableFuture<Void> done;

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
  private static final TRITONSERVER_InferenceRequestReleaseFn_t RELEASED =
      new TRITONSERVER_InferenceRequestReleaseFn_t() {
        @Override
        public void call(TRITONSERVER_InferenceRequest request, int flags, Pointer user) {
          TRITONSERVER_InferenceRequestDelete(request);
        }
      };
  private static final TRITONSERVER_InferenceResponseCompleteFn_t ANSWERED =
      new TRITONSERVER_InferenceResponseCompleteFn_t() {
        @Override
        public void call(TRITONSERVER_InferenceResponse response, int flags, Pointer user) {
          if (response != null) {
            TRITONSERVER_Error error = TRITONSERVER_InferenceResponseError(response);
            OUT.print(error == null ? piece(response) : TRITONSERVER_ErrorMessage(error));
            TRITONSERVER_InferenceResponseDelete(response);
          }
          if ((flags & TRITONSERVER_RESPONSE_COMPLETE_FINAL) != 0) {
            done.complete(null);
          }
        }
      };

  /** The text in a response, whose first output is text_output. */
  private static String piece(TRITONSERVER_InferenceResponse response) {
    PointerPointer<BytePointer> base = new PointerPointer<>(1);
    SizeTPointer size = new SizeTPointer(1);
    PointerPointer<Pointer> ignored = new PointerPointer<>(1);
    IntPointer number = new IntPointer(1);
    LongPointer wide = new LongPointer(1);
    check(
        TRITONSERVER_InferenceResponseOutput(
            response,
            0,
            ignored,
            number,
            new PointerPointer<>(1),
            wide,
            base,
            size,
            new IntPointer(1),
            new LongPointer(1),
            new PointerPointer<>(1)));
    byte[] content = new byte[(int) size.get()];
    base.get(BytePointer.class).get(content);
    return new String(content, 4, content.length - 4, StandardCharsets.UTF_8);
  }

  private static void check(TRITONSERVER_Error error) {
    if (error != null) {
      throw new IllegalStateException(TRITONSERVER_ErrorMessage(error));
    }
  }

  private static void input(
      TRITONSERVER_InferenceRequest request, String name, int type, BytePointer content) {
    check(TRITONSERVER_InferenceRequestAddInput(request, name, type, new LongPointer(1).put(1), 1));
    check(
        TRITONSERVER_InferenceRequestAppendInputData(
            request, name, content, content.limit(), TRITONSERVER_MEMORY_CPU, 0));
  }

  private static BytePointer bytes(ByteBuffer content) {
    return new BytePointer(content.array());
  }

  public static void main(String[] args) throws IOException {
    TRITONSERVER_ServerOptions options = new TRITONSERVER_ServerOptions(null);
    check(TRITONSERVER_ServerOptionsNew(options));
    check(TRITONSERVER_ServerOptionsSetModelRepositoryPath(options, args[0]));
    check(TRITONSERVER_ServerOptionsSetBackendDirectory(options, args[1]));
    check(TRITONSERVER_ServerOptionsSetStrictModelConfig(options, false));
    check(TRITONSERVER_ServerOptionsSetLogInfo(options, false));
    check(TRITONSERVER_ServerOptionsSetLogWarn(options, false));
    TRITONSERVER_Server server = new TRITONSERVER_Server(null);
    check(TRITONSERVER_ServerNew(server, options));
    TRITONSERVER_ResponseAllocator allocator = new TRITONSERVER_ResponseAllocator(null);
    check(TRITONSERVER_ResponseAllocatorNew(allocator, ALLOCATE, FREE, null));
    OUT.println("ready");

    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      byte[] prompt = line.getBytes(StandardCharsets.UTF_8);
      ByteBuffer text =
          ByteBuffer.allocate(4 + prompt.length)
              .order(ByteOrder.LITTLE_ENDIAN)
              .putInt(prompt.length)
              .put(prompt);
      ByteBuffer tokens = ByteBuffer.allocate(4).order(ByteOrder.nativeOrder()).putInt(32);
      BytePointer[] contents = {
        bytes(text), bytes(tokens), bytes(ByteBuffer.allocate(1).put((byte) 1))
      };
      TRITONSERVER_InferenceRequest request = new TRITONSERVER_InferenceRequest(null);
      check(TRITONSERVER_InferenceRequestNew(request, server, args[2], -1));
      input(request, "text_input", TRITONSERVER_TYPE_BYTES, contents[0]);
      input(request, "max_tokens", TRITONSERVER_TYPE_INT32, contents[1]);
      input(request, "stream", TRITONSERVER_TYPE_BOOL, contents[2]);
      check(TRITONSERVER_InferenceRequestSetReleaseCallback(request, RELEASED, null));
      check(
          TRITONSERVER_InferenceRequestSetResponseCallback(
              request, allocator, null, ANSWERED, null));
      done = new CompletableFuture<>();
      OUT.print(line);
      check(TRITONSERVER_ServerInferAsync(server, request, null));
      done.join();
      java.lang.ref.Reference.reachabilityFence(contents);
      OUT.println();
    }
    check(TRITONSERVER_ServerStop(server));
    check(TRITONSERVER_ServerDelete(server));
    OUT.println("done");
  }
}
