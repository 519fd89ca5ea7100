package dev.warmgate.generate;

import java.util.Arrays;
import java.util.function.Function;

/**
 * Text from ids that arrive one by one, never half a character.
 *
 * <p>A token may end in the middle of a character's UTF-8 bytes, and decoders look at neighbours (a
 * leading space that is dropped at the start of a text, for instance). So the stream decodes a
 * short window of ids: those of the last text that was handed out, and the new ones. What the
 * window's text has beyond what was handed out is new; an unfinished end, which decoders show as
 * U+FFFD, waits for the ids that complete it.
 */
public final class TextStream {
  private static final char REPLACEMENT = '\uFFFD';

  /** Ids that may wait for the end of a character before they are taken for broken bytes. */
  private static final int MAX_WAITING = 32;

  private final Function<int[], String> decode;

  private int[] window;

  /** Ids in the window. */
  private int size;

  /** Ids at the start of the window whose text is complete and was handed out. */
  private int done;

  /** Chars of the window's text that were handed out. */
  private int given;

  /**
   * Makes an empty stream.
   *
   * @param decode gives the text of ids, U+FFFD for bytes that are no character
   * @param before ids that the text follows; their own text isn't handed out
   */
  public TextStream(Function<int[], String> decode, int... before) {
    this.decode = decode;
    window = Arrays.copyOf(before, Math.max(before.length, MAX_WAITING));
    size = before.length;
    done = size;
    given = decode.apply(before.clone()).length();
  }

  /** Adds an id and returns the text that is now certain, often one token's, perhaps empty. */
  public String push(int id) {
    if (size == window.length) {
      window = Arrays.copyOf(window, 2 * size);
    }
    window[size++] = id;
    String text = decode.apply(Arrays.copyOf(window, size));
    int certain = text.length();
    while (certain > 0 && text.charAt(certain - 1) == REPLACEMENT) {
      certain--;
    }
    if (certain < text.length() && size - done < MAX_WAITING) {
      return hand(text, certain);
    }
    String fresh = hand(text, text.length());
    slide(!fresh.isEmpty());
    return fresh;
  }

  /** Ends the text and returns what was still waiting, broken bytes as U+FFFD. */
  public String finish() {
    String text = decode.apply(Arrays.copyOf(window, size));
    String fresh = hand(text, text.length());
    size = 0;
    done = 0;
    given = 0;
    return fresh;
  }

  private String hand(String text, int certain) {
    if (certain <= given) {
      return "";
    }
    String fresh = text.substring(given, certain);
    given = certain;
    return fresh;
  }

  /**
   * Keeps only the ids that are new since the last slide, as context for those to come. Ids without
   * text (special tokens) are no context, so they wait for some that have.
   */
  private void slide(boolean handed) {
    if (!handed && size - done < MAX_WAITING) {
      return;
    }
    System.arraycopy(window, done, window, 0, size - done);
    size -= done;
    done = size;
    given = decode.apply(Arrays.copyOf(window, size)).length();
  }
}
