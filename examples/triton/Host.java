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
 * own classes and serves in this program's JVM. Java finds TritonServer.java beside this file.
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
            OUT.print(
                error == null ? TritonServer.text(response) : TRITONSERVER_ErrorMessage(error));
            TRITONSERVER_InferenceResponseDelete(response);
          }
          if ((flags & TRITONSERVER_RESPONSE_COMPLETE_FINAL) != 0) {
            done.complete(null);
          }
        }
      };

  private static BytePointer input(
      TRITONSERVER_InferenceRequest request, String name, int type, ByteBuffer content) {
    BytePointer bytes = new BytePointer(content.array());
    TritonServer.check(
        TRITONSERVER_InferenceRequestAddInput(request, name, type, new LongPointer(1).put(1), 1));
    TritonServer.check(
        TRITONSERVER_InferenceRequestAppendInputData(
            request, name, bytes, bytes.limit(), TRITONSERVER_MEMORY_CPU, 0));
    return bytes;
  }

  private static void writeOn(TritonServer triton, String model, String prompt) {
    byte[] utf8 = prompt.getBytes(StandardCharsets.UTF_8);
    ByteBuffer text =
        ByteBuffer.allocate(4 + utf8.length)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putInt(utf8.length)
            .put(utf8);
    ByteBuffer tokens = ByteBuffer.allocate(4).order(ByteOrder.nativeOrder()).putInt(32);
    ByteBuffer stream = ByteBuffer.allocate(1).put((byte) 1);
    TRITONSERVER_InferenceRequest request = new TRITONSERVER_InferenceRequest(null);
    TritonServer.check(TRITONSERVER_InferenceRequestNew(request, triton.server, model, -1));
    BytePointer[] read = {
      input(request, "text_input", TRITONSERVER_TYPE_BYTES, text),
      input(request, "max_tokens", TRITONSERVER_TYPE_INT32, tokens),
      input(request, "stream", TRITONSERVER_TYPE_BOOL, stream)
    };
    TritonServer.check(TRITONSERVER_InferenceRequestSetReleaseCallback(request, RELEASED, null));
    TritonServer.check(
        TRITONSERVER_InferenceRequestSetResponseCallback(
            request, triton.allocator, null, ANSWERED, null));
    done = new CompletableFuture<>();
    OUT.print(prompt);
    TritonServer.check(TRITONSERVER_ServerInferAsync(triton.server, request, null));
    done.join();
    java.lang.ref.Reference.reachabilityFence(read);
    OUT.println();
  }

  public static void main(String[] args) throws IOException {
    try (TritonServer triton = new TritonServer(args[0], args[1])) {
      OUT.println("ready");
      BufferedReader in =
          new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        writeOn(triton, args[2], line);
      }
    }
    OUT.println("done");
  }
}
