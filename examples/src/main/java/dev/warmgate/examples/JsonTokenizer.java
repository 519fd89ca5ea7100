package dev.warmgate.examples;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import dev.warmgate.generate.Tokenizer;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;

/** A {@code tokenizer.json} in Hugging Face's own library, by way of DJL. */
final class JsonTokenizer implements Tokenizer {
  static {
    // DJL downloads nothing of a tokenizer that is opened from a file, but with a GPU in the
    // machine
    // it would fetch a native library for it instead of taking the one in its jar.
    System.setProperty("ai.djl.offline", "true");
    System.setProperty("OPT_OUT_TRACKING", "true");
    System.setProperty("RUST_FLAVOR", "cpu");
  }

  private final HuggingFaceTokenizer tokenizer;

  private JsonTokenizer(HuggingFaceTokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  /**
   * Reads a file.
   *
   * @throws IOException if it is no tokenizer; the message names it and the reason
   */
  static JsonTokenizer open(Path file) throws IOException {
    // A prompt is never cut or filled up, whatever the file says.
    Map<String, String> options = Map.of("truncation", "false", "padding", "false");
    try (InputStream json = new BufferedInputStream(Files.newInputStream(file))) {
      return new JsonTokenizer(HuggingFaceTokenizer.newInstance(json, options));
    } catch (RuntimeException e) {
      throw new IOException(file + ": not a tokenizer: " + e.getMessage(), e);
    }
  }

  @Override
  public int[] encode(String text) {
    long[] ids = tokenizer.encode(text, true, false).getIds();
    return Arrays.stream(ids).mapToInt(Math::toIntExact).toArray();
  }

  @Override
  public String decode(int[] ids) {
    return tokenizer.decode(Arrays.stream(ids).asLongStream().toArray(), true);
  }

  @Override
  public void close() {
    tokenizer.close();
  }
}
