package dev.warmgate.cli;

import dev.warmgate.generate.Tokenizer;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Option;

/** What a text is written on from: a text, several, or ids. */
final class Prompts {
  @Option(
      names = "--prompt",
      paramLabel = "TEXT",
      description = "What to write on from. Given several times, texts are written side by side.")
  private List<String> texts;

  @Option(
      names = "--prompts",
      paramLabel = "FILE",
      description = "The same from a file, a prompt a line.")
  private Path file;

  @Option(
      names = "--prompt-ids",
      paramLabel = "ID",
      split = ",",
      description = "One prompt as token ids: 1,2,3.")
  private int[] ids;

  /**
   * Reads the file, if there is one.
   *
   * @throws IOException in one line, if it can't be read
   * @throws IllegalArgumentException if a prompt is empty
   */
  void read() throws IOException {
    if (file != null) {
      if (!Files.isRegularFile(file)) {
        throw new IOException(file + ": no such file");
      }
      try {
        texts = Files.readAllLines(file).stream().filter(line -> !line.isBlank()).toList();
      } catch (CharacterCodingException e) {
        throw new IOException(file + ": not UTF-8", e);
      }
      if (texts.isEmpty()) {
        throw new IOException(file + ": no prompt in it");
      }
    }
    if (texts != null && texts.stream().anyMatch(String::isEmpty)) {
      throw new IllegalArgumentException("--prompt is empty");
    }
  }

  boolean areIds() {
    return ids != null;
  }

  /** The prompts, if they are texts. */
  List<String> texts() {
    return texts;
  }

  /** The prompts as ids. */
  List<int[]> ids(Optional<Tokenizer> tokenizer) {
    return areIds()
        ? List.of(ids.clone())
        : texts.stream().map(tokenizer.orElseThrow()::encode).toList();
  }
}
