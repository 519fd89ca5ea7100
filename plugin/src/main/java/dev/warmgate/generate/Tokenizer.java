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

  /**
   * A decoder for ids that arrive one by one.
   *
   * @param prompt ids that they follow, if any. Its text isn't given, but decides how theirs
   *     begins: many decoders drop a space at the start of a text, which the middle of one must
   *     keep.
   */
  default TextStream stream(int... prompt) {
    return new TextStream(this::decode, prompt);
  }

  /** The text that ids add to that of a prompt. */
  default String continuation(int[] prompt, int[] ids) {
    TextStream stream = stream(prompt);
    StringBuilder text = new StringBuilder();
    for (int id : ids) {
      text.append(stream.push(id));
    }
    return text.append(stream.finish()).toString();
  }

  @Override
  void close();
}
