package dev.warmgate.examples;

import dev.warmgate.generate.Tokenizer;
import dev.warmgate.generate.TokenizerProvider;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Opens {@code tokenizer.json}, the format of Hugging Face's tokenizers. */
public final class HuggingFaceTokenizerProvider implements TokenizerProvider {
  private static final String FILE_NAME = "tokenizer.json";

  /** For {@link java.util.ServiceLoader}. */
  public HuggingFaceTokenizerProvider() {}

  @Override
  public boolean reads(Path directory) {
    return Files.isRegularFile(directory.resolve(FILE_NAME));
  }

  @Override
  public Tokenizer open(Path directory) throws IOException {
    return JsonTokenizer.open(directory.resolve(FILE_NAME));
  }
}
