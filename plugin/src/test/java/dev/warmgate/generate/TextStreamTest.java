package dev.warmgate.generate;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

class TextStreamTest {
  private static final String TEXT = "plain, wörld, 你好, 𝄞 and 😀😀, e\u0301, שלום";

  /** An id is a byte, as in byte-level vocabularies. */
  private static String bytes(int[] ids) {
    byte[] bytes = new byte[ids.length];
    for (int i = 0; i < ids.length; i++) {
      bytes[i] = (byte) ids[i];
    }
    return new String(bytes, UTF_8);
  }

  /** As decoders with byte fallback do: one bad byte spoils all, each as one U+FFFD. */
  private static String byteFallback(int[] ids) {
    byte[] bytes = new byte[ids.length];
    for (int i = 0; i < ids.length; i++) {
      bytes[i] = (byte) ids[i];
    }
    try {
      return UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      return "\uFFFD".repeat(ids.length);
    }
  }

  @Test
  void neverHalfACharacter() {
    List<Function<int[], String>> decoders =
        List.of(TextStreamTest::bytes, TextStreamTest::byteFallback);
    for (Function<int[], String> decoder : decoders) {
      TextStream stream = new TextStream(decoder);
      StringBuilder text = new StringBuilder();
      for (byte b : TEXT.getBytes(UTF_8)) {
        String piece = stream.push(b);
        assertFalse(piece.contains("\uFFFD"), piece);
        assertFalse(!piece.isEmpty() && Character.isLowSurrogate(piece.charAt(0)), piece);
        text.append(piece);
        assertEquals(TEXT.substring(0, text.length()), text.toString());
      }
      assertEquals("", stream.finish());
      assertEquals(TEXT, text.toString());
    }
  }

  @Test
  void tokensOfSeveralBytesCutAnywhere() {
    byte[] bytes = TEXT.getBytes(UTF_8);
    for (long seed = 0; seed < 200; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      List<byte[]> vocabulary = new ArrayList<>();
      for (int from = 0; from < bytes.length; ) {
        int to = Math.min(bytes.length, from + 1 + random.nextInt(5));
        vocabulary.add(Arrays.copyOfRange(bytes, from, to));
        from = to;
      }
      TextStream stream =
          new TextStream(
              ids -> {
                ByteBuffer joined = ByteBuffer.allocate(bytes.length);
                for (int id : ids) {
                  joined.put(vocabulary.get(id));
                }
                return new String(joined.array(), 0, joined.position(), UTF_8);
              });
      StringBuilder text = new StringBuilder();
      for (int id = 0; id < vocabulary.size(); id++) {
        text.append(stream.push(id));
        assertEquals(-1, text.indexOf("\uFFFD"), "seed " + seed);
      }
      text.append(stream.finish());
      assertEquals(TEXT, text.toString(), "seed " + seed);
    }
  }

  @Test
  void spacesAtTheStartOfAWindowStay() {
    String[] words = {"", "\u2581In", "\u2581the", "\u2581be", "gin", "ning"};
    TextStream stream =
        new TextStream(
            ids -> {
              StringBuilder text = new StringBuilder();
              for (int id : ids) {
                text.append(words[id]);
              }
              return text.toString().replace('\u2581', ' ').replaceFirst("^ ", "");
            });
    StringBuilder text = new StringBuilder();
    for (int id : new int[] {0, 1, 2, 0, 3, 4, 5, 0, 2}) {
      text.append(stream.push(id));
    }
    assertEquals("In the beginning the", text.toString());
  }

  /** A decoder that drops the space at the start of a text, as those of SentencePiece do. */
  private static String dropping(int[] ids, String... words) {
    StringBuilder text = new StringBuilder();
    for (int id : ids) {
      text.append(words[id]);
    }
    return text.toString().replaceFirst("^ ", "");
  }

  @Test
  void followsItsPrompt() {
    String[] words = {"", " In", " the", " be", "gin", "ning", "\uFFFD"};
    int[] longer = new int[100]; // than what may wait
    Arrays.fill(longer, 1);
    for (int[] prompt : new int[][] {{}, {0}, {0, 1, 2}, {0, 1, 0}, longer}) {
      for (int[] ids : new int[][] {{3, 4, 5, 2}, {0, 0, 2, 0, 3, 4}, {4, 1}, {0}, {}}) {
        int[] both = Arrays.copyOf(prompt, prompt.length + ids.length);
        System.arraycopy(ids, 0, both, prompt.length, ids.length);
        TextStream stream = new TextStream(some -> dropping(some, words), prompt);
        StringBuilder text = new StringBuilder(dropping(prompt, words));
        for (int id : ids) {
          text.append(stream.push(id));
        }
        text.append(stream.finish());
        assertEquals(
            dropping(both, words), text.toString(), Arrays.toString(prompt) + Arrays.toString(ids));
      }
    }
  }

  @Test
  void aLongPromptIsDecodedButForTheFirstTexts() {
    int[] longest = {0};
    TextStream stream =
        new TextStream(
            ids -> {
              longest[0] = Math.max(longest[0], ids.length);
              return bytes(ids);
            },
            new int[1000]);
    stream.push('a');
    longest[0] = 0;
    for (int i = 0; i < 100; i++) {
      assertEquals("b", stream.push('b'));
    }
    assertEquals(2, longest[0]);
  }

  @Test
  void brokenBytesComeOutInTheEnd() {
    TextStream stream = new TextStream(TextStreamTest::bytes);
    assertEquals("a", stream.push('a'));
    assertEquals("", stream.push(0xE4));
    assertEquals("\uFFFDb", stream.push('b'));
    assertEquals("", stream.push(0xE4));
    assertEquals("\uFFFD", stream.finish());
    assertEquals("c", stream.push('c'));

    TextStream broken = new TextStream(TextStreamTest::bytes);
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < 100; i++) {
      text.append(broken.push(0xFF));
    }
    assertEquals("\uFFFD".repeat(100), text + broken.finish());
  }
}
