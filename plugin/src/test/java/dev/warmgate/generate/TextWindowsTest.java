package dev.warmgate.generate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TextWindowsTest {

  /** Ids are the characters, after some that belong to every text. */
  private static final class Characters implements Tokenizer {
    private final int[] before;

    Characters(int... before) {
      this.before = before;
    }

    @Override
    public int[] encode(String text) {
      return IntStream.concat(IntStream.of(before), text.chars()).toArray();
    }

    @Override
    public String decode(int[] ids) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void close() {
      // Nothing to give back.
    }
  }

  private static int[][] windows(Tokenizer tokenizer, String text, int maxTokens, int length) {
    return TextWindows.of(tokenizer, text, maxTokens, length).windows().toArray(int[][]::new);
  }

  @Test
  void eachWindowBeginsAsATextDoes() {
    int[][] expected = {{1, 2, 'a', 'b', 'c'}, {1, 2, 'd', 'e', 'f'}, {1, 2, 'g'}};
    assertArrayEquals(expected, windows(new Characters(1, 2), "abcdefg", 100, 5));
    assertArrayEquals(expected, windows(new Characters(1, 2), "abcdefghij", 7, 5));
    assertEquals(7, TextWindows.of(new Characters(1, 2), "abcdefg", 100, 5).scored());
  }

  @Test
  void withoutABeginningTheFirstTokenIsGiven() {
    int[][] expected = {{'a', 'b', 'c'}, {'d'}};
    assertArrayEquals(expected, windows(new Characters(), "abcd", 100, 3));
    assertEquals(2, TextWindows.of(new Characters(), "abcd", 100, 3).scored());
  }

  @Test
  void nothingIsNoWindow() {
    assertEquals(0, windows(new Characters(), "", 100, 3).length);
    assertEquals(0, windows(new Characters(1), "", 100, 3).length);
  }

  @Test
  void aWindowNeedsRoom() {
    for (int before : new int[] {0, 1, 2}) {
      Tokenizer tokenizer = new Characters(new int[before]);
      int least = Math.max(2, before + 1);
      assertEquals(1, windows(tokenizer, "a", 100, least).length);
      assertThrows(
          IllegalArgumentException.class, () -> TextWindows.of(tokenizer, "a", 100, least - 1));
    }
  }
}
