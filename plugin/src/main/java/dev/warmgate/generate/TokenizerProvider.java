package dev.warmgate.generate;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ServiceLoader;

/**
 * Opens tokenizers; found by {@link ServiceLoader}, so that the plugin depends on no tokenizer
 * library.
 */
public interface TokenizerProvider {
  /** Whether the model's folder has a tokenizer in this provider's format. */
  boolean reads(Path directory);

  /**
   * Opens a model's tokenizer.
   *
   * @throws IOException if its file can't be read; the message names the file and the reason
   */
  Tokenizer open(Path directory) throws IOException;

  /**
   * Opens the tokenizer of a model with the first provider that can read it.
   *
   * @throws IOException if there is none, or it fails
   */
  static Tokenizer find(Path directory) throws IOException {
    int providers = 0;
    for (TokenizerProvider provider : ServiceLoader.load(TokenizerProvider.class)) {
      providers++;
      if (provider.reads(directory)) {
        return provider.open(directory);
      }
    }
    throw new IOException(
        directory
            + (providers == 0
                ? ": no tokenizer library is on the class path; give token ids instead of text"
                : ": no tokenizer.json in it; give token ids instead of text"));
  }
}
