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
import java.util.Arrays;
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

  /**
   * Of the layout that Llama and Mixtral have: words begin with a space, and a text drops its
   * first.
   */
  private static final String SENTENCE_PIECE =
      """
      {"version": "1.0", "added_tokens": [{"id": 1, "content": "<s>", "single_word": false,
          "lstrip": false, "rstrip": false, "normalized": false, "special": true}],
        "normalizer": {"type": "Sequence", "normalizers": [
          {"type": "Prepend", "prepend": "\u2581"},
          {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]},
        "post_processor": {"type": "TemplateProcessing",
          "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
            {"Sequence": {"id": "A", "type_id": 0}}],
          "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
          "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}},
        "decoder": {"type": "Sequence", "decoders": [
          {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "},
          {"type": "ByteFallback"}, {"type": "Fuse"},
          {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
        "model": {"type": "BPE", "unk_token": "<unk>", "fuse_unk": true, "byte_fallback": true,
          "vocab": {"<unk>": 0, "<s>": 1, "<0xE2>": 2, "<0x82>": 3, "<0xAC>": 4, "\u2581": 5,
            "a": 6, "b": 7, "\u2581a": 8, "\u2581b": 9, "ab": 10},
          "merges": ["\u2581 a", "\u2581 b", "a b"]}}
      """;

  @Test
  void whatFollowsAPromptKeepsItsSpace(@TempDir Path folder) throws IOException {
    Files.writeString(folder.resolve("tokenizer.json"), SENTENCE_PIECE);
    try (Tokenizer tokenizer = TokenizerProvider.find(folder)) {
      String text = "a b\u20ac\u20ac a";
      int[] ids = tokenizer.encode(text);
      assertEquals(text, tokenizer.decode(ids));
      // Wherever it is cut, but within a character.
      for (int cut : new int[] {0, 1, 2, 3, 6, 9, 10}) {
        int[] prompt = Arrays.copyOf(ids, cut);
        int[] rest = Arrays.copyOfRange(ids, cut, ids.length);
        assertEquals(
            text, tokenizer.decode(prompt) + tokenizer.continuation(prompt, rest), "cut " + cut);
      }
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
