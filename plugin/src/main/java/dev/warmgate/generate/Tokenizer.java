package dev.warmgate.generate;

/** Turns text into ids and back. Safe for use from many threads at once. */
public interface Tokenizer extends AutoCloseable {
  /** The ids of a text, with what the model wants around a prompt. */
  int[] encode(String text);

  /**
   * The text of ids, without special tokens. Bytes that are not, or not yet, a character come back
   * as U+FFFD.
   */
  String decode(int[] ids);

  /** A decoder for ids that arrive one by one. */
  default TextStream stream() {
    return new TextStream(this::decode);
  }

  @Override
  void close();
}
