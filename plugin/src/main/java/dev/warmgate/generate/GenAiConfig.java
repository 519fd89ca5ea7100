package dev.warmgate.generate;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * What a decoder loop has to know of a model, as {@code genai_config.json} says it.
 *
 * @param directory the model's folder
 * @param model the ONNX file
 * @param vocabularySize ids are 0 to this, exclusive
 * @param contextLength the most tokens of a sequence, prompt included
 * @param stopIds ids that end a text
 * @param layers how many layers may have a key-value cache
 * @param keyValueHeads heads of the cache
 * @param headSize elements of one head
 * @param names what the model calls its inputs and outputs
 */
public record GenAiConfig(
    Path directory,
    Path model,
    int vocabularySize,
    int contextLength,
    List<Integer> stopIds,
    int layers,
    int keyValueHeads,
    int headSize,
    Names names) {

  /** The name of the file. */
  public static final String FILE_NAME = "genai_config.json";

  /**
   * Names of inputs and outputs. Those of the cache are patterns in which {@code %d} stands for the
   * layer.
   */
  public record Names(
      String inputIds,
      String attentionMask,
      String positionIds,
      String pastKey,
      String pastValue,
      String logits,
      String presentKey,
      String presentValue) {

    /** The cache input or output of a layer. */
    static String of(String pattern, int layer) {
      return pattern.replace("%d", Integer.toString(layer));
    }
  }

  /** Keeps the list as it is now. */
  public GenAiConfig {
    stopIds = List.copyOf(stopIds);
  }

  /** Whether a folder looks like a model of this layout. */
  public static boolean isPresent(Path directory) {
    return Files.isRegularFile(directory.resolve(FILE_NAME));
  }

  /**
   * Reads a folder's {@code genai_config.json}.
   *
   * @throws IOException if a file is missing, or a key is missing or makes no sense; the message
   *     names the file, the key and the reason
   */
  public static GenAiConfig read(Path directory) throws IOException {
    if (!Files.isDirectory(directory)) {
      throw new IOException(
          directory + ": " + (Files.exists(directory) ? "not a folder" : "no such folder"));
    }
    ConfigNode model = ConfigNode.read(directory.resolve(FILE_NAME)).object("model");
    ConfigNode decoder = model.object("decoder");
    GenAiConfig config =
        new GenAiConfig(
            directory,
            decoder.file("filename", directory),
            model.positive("vocab_size"),
            model.positive("context_length"),
            model.integers("eos_token_id"),
            decoder.positive("num_hidden_layers"),
            decoder.positive("num_key_value_heads"),
            decoder.positive("head_size"),
            names(decoder.optionalObject("inputs"), decoder.optionalObject("outputs")));
    for (int id : config.stopIds) {
      if (id < 0 || id >= config.vocabularySize) {
        throw model.error(
            "eos_token_id", "id " + id + " is outside the vocabulary of " + config.vocabularySize);
      }
    }
    if (!Files.isRegularFile(config.model)) {
      throw new IOException(config.model + ": no such file, though " + FILE_NAME + " names it");
    }
    return config;
  }

  private static Names names(Optional<ConfigNode> inputs, Optional<ConfigNode> outputs)
      throws IOException {
    return new Names(
        ConfigNode.name(inputs, "input_ids", "input_ids"),
        ConfigNode.name(inputs, "attention_mask", "attention_mask"),
        ConfigNode.name(inputs, "position_ids", "position_ids"),
        ConfigNode.pattern(inputs, "past_key_names", "past_key_values.%d.key"),
        ConfigNode.pattern(inputs, "past_value_names", "past_key_values.%d.value"),
        ConfigNode.name(outputs, "logits", "logits"),
        ConfigNode.pattern(outputs, "present_key_names", "present.%d.key"),
        ConfigNode.pattern(outputs, "present_value_names", "present.%d.value"));
  }
}
