package dev.warmgate.host.triton;

import com.google.gson.JsonObject;
import dev.warmgate.generate.Sampling;
import dev.warmgate.host.session.TensorSpec;
import dev.warmgate.onnx.ElementType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;

/**
 * What a client wants written. The inputs have the names that Triton's generate extension uses.
 *
 * @param prompt the text to write on from
 * @param stream whether each piece of text is sent at once
 */
record TextRequest(String prompt, int maxTokens, Sampling sampling, boolean stream) {
  static final String TEXT_OUTPUT = "text_output";
  static final String TOKEN_IDS = "token_ids";
  private static final int DEFAULT_TOKENS = 128;

  /** What a model that writes text takes and gives. */
  static ModelSignature signature() {
    return new ModelSignature(
        List.of(
            scalar("text_input", ElementType.STRING, false),
            scalar("max_tokens", ElementType.INT32, true),
            scalar("temperature", ElementType.FLOAT, true),
            scalar("top_p", ElementType.FLOAT, true),
            scalar("seed", ElementType.INT64, true),
            scalar("stream", ElementType.BOOL, true)),
        List.of(
            new TensorSpec(TEXT_OUTPUT, ElementType.STRING, List.of(1L), List.of(""), false),
            new TensorSpec(TOKEN_IDS, ElementType.INT32, List.of(-1L), List.of(""), false)),
        false);
  }

  private static TensorSpec scalar(String name, ElementType type, boolean optional) {
    return new TensorSpec(name, type, List.of(1L), List.of(""), optional);
  }

  /** Lets Triton expect any number of answers to a request. */
  static void decouple(JsonObject config) {
    JsonObject policy = new JsonObject();
    policy.addProperty("decoupled", true);
    config.add("model_transaction_policy", policy);
  }

  /**
   * Reads a request.
   *
   * @throws TritonException if an input is missing, or is none of the kind
   * @throws IllegalArgumentException if a number makes no sense
   */
  static TextRequest of(Request request) {
    Request.Input text = request.inputs().get("text_input");
    if (text == null) {
      throw TritonException.invalid("input 'text_input' is missing");
    }
    byte[] prompt =
        Strings.split(text.name(), content(text), 1).getFirst().toArray(ValueLayout.JAVA_BYTE);
    int maxTokens =
        number(request, "max_tokens", 4)
            .map(m -> m.get(ValueLayout.JAVA_INT_UNALIGNED, 0))
            .orElse(DEFAULT_TOKENS);
    if (maxTokens < 1) {
      throw TritonException.invalid("max_tokens must be at least 1, not %d", maxTokens);
    }
    Sampling sampling =
        new Sampling(
            real(request, "temperature", 0),
            real(request, "top_p", 1),
            number(request, "seed", 8)
                .map(m -> m.get(ValueLayout.JAVA_LONG_UNALIGNED, 0))
                .orElse(0L));
    boolean stream =
        number(request, "stream", 1).map(m -> m.get(ValueLayout.JAVA_BYTE, 0) != 0).orElse(false);
    return new TextRequest(new String(prompt, StandardCharsets.UTF_8), maxTokens, sampling, stream);
  }

  private static double real(Request request, String name, double otherwise) {
    // By way of text: the client's 0.9 is not the nearest double of its nearest float.
    return number(request, name, 4)
        .map(m -> Double.parseDouble(Float.toString(m.get(ValueLayout.JAVA_FLOAT_UNALIGNED, 0))))
        .orElse(otherwise);
  }

  private static Optional<MemorySegment> number(Request request, String name, int bytes) {
    Request.Input input = request.inputs().get(name);
    if (input == null) {
      return Optional.empty();
    }
    MemorySegment content = content(input);
    if (content.byteSize() != bytes) {
      throw TritonException.invalid(
          "input '%s' has %d bytes, not %d", name, content.byteSize(), bytes);
    }
    return Optional.of(content);
  }

  private static MemorySegment content(Request.Input input) {
    if (input.buffers() == 1) {
      return input.buffer(0);
    }
    MemorySegment copy = MemorySegment.ofArray(new byte[Math.toIntExact(input.bytes())]);
    input.copyTo(copy);
    return copy;
  }
}
