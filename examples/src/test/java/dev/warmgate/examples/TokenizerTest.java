package dev.warmgate.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warmgate.generate.TextStream;
import dev.warmgate.generate.Tokenizer;
import dev.warmgate.generate.TokenizerProvider;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenizerTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "And it came to pass, that the waters were upon the earth.",
        "  spaces,\ttabs\nand lines\n\n",
        "wörld, naïve, שלום, 你好, 😀👍🏽, 𝄞, e\u0301",
      })
  void roundTripWholeAndInPieces(String text) throws IOException {
    try (Tokenizer tokenizer = TokenizerProvider.find(ExampleModel.directory())) {
      int[] ids = tokenizer.encode(text);
      assertEquals(text, tokenizer.decode(ids));
      TextStream stream = tokenizer.stream();
      StringBuilder pieces = new StringBuilder();
      for (int id : ids) {
        String piece = stream.push(id);
        assertFalse(piece.contains("\uFFFD"), piece);
        pieces.append(piece);
      }
      assertEquals(text, pieces + stream.finish());
    }
  }

  @Test
  void foundByServiceLoader(@TempDir Path folder) throws IOException {
    try (Tokenizer tokenizer = TokenizerProvider.find(ExampleModel.directory())) {
      assertInstanceOf(JsonTokenizer.class, tokenizer);
    }
    String message =
        assertThrows(IOException.class, () -> TokenizerProvider.find(folder)).getMessage();
    assertTrue(message.startsWith(folder.toString()), message);
  }

  @Test
  void aBrokenFileIsNamed(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("tokenizer.json");
    for (String content : new String[] {"", "{", "{}", "no json"}) {
      Files.writeString(file, content);
      String message =
          assertThrows(IOException.class, () -> TokenizerProvider.find(folder)).getMessage();
      assertTrue(message.startsWith(file.toString()), message);
    }
  }
}
