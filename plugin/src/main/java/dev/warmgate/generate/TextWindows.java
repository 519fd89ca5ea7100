package dev.warmgate.generate;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A text in pieces that a model can score one by one. Pieces don't overlap; each begins with what
 * the tokenizer puts before a text.
 *
 * @param prefix how many ids at the start of each window are the tokenizer's, not the text's
 * @param windows ids, prefix included; none is empty
 */
public record TextWindows(int prefix, List<int[]> windows) {

  /** Keeps the list as it is now. */
  public TextWindows {
    windows = List.copyOf(windows);
  }

  /**
   * Cuts a text.
   *
   * @param maxTokens the most ids of the text to take, from its start
   * @param length of a window, prefix included; the last one may be shorter
   * @throws IllegalArgumentException if a window has no room for two ids
   */
  public static TextWindows of(Tokenizer tokenizer, String text, int maxTokens, int length) {
    int[] ids = tokenizer.encode(text);
    int same = Arrays.mismatch(ids, tokenizer.encode(""));
    int prefix = same < 0 ? ids.length : same;
    int room = length - prefix;
    if (length < 2 || room < 1) {
      throw new IllegalArgumentException(
          "a context of %d tokens, %d of them the tokenizer's, is too short to score a text"
              .formatted(length, prefix));
    }
    int end = prefix + Math.min(maxTokens, ids.length - prefix);
    List<int[]> windows = new ArrayList<>();
    for (int from = prefix; from < end; from += room) {
      int count = Math.min(room, end - from);
      int[] window = Arrays.copyOf(ids, prefix + count);
      System.arraycopy(ids, from, window, prefix, count);
      windows.add(window);
    }
    return new TextWindows(prefix, windows);
  }

  /** The first position of a window that can be scored: there is something before it. */
  int firstScored() {
    return Math.max(prefix, 1);
  }

  /**
   * The length in UTF-8 of the text that is scored, special tokens not counted. A character that
   * {@code maxTokens} cut through counts as the three bytes of U+FFFD.
   */
  public int scoredBytes(Tokenizer tokenizer) {
    int[] scored =
        windows.stream()
            .flatMapToInt(window -> Arrays.stream(window).skip(firstScored()))
            .toArray();
    return tokenizer.decode(scored).getBytes(UTF_8).length;
  }

  /** How many ids of all windows are scored. */
  public int scored() {
    return windows.stream().mapToInt(window -> Math.max(0, window.length - firstScored())).sum();
  }
}
