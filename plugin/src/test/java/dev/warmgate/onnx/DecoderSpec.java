package dev.warmgate.onnx;

import java.util.Locale;

/**
 * A small decoder with attention and experts, in GenAI's layout.
 *
 * @param ids type of ids, mask and positions
 * @param cache type of the key-value cache, FLOAT or FLOAT16
 * @param positions whether rotary positions come from an input {@code position_ids}; else the
 *     attention finds them itself
 * @param heads of the queries
 * @param cacheHeads of keys and values, which divides those of the queries
 * @param names of inputs and outputs
 * @param lengths where the attention takes each sequence's length from
 */
public record DecoderSpec(
    ElementType ids,
    ElementType cache,
    boolean positions,
    int vocabulary,
    int layers,
    int heads,
    int cacheHeads,
    Names names,
    Lengths lengths) {
  public static final int CONTEXT = 160;
  public static final int EXPERTS = 8;
  public static final int TOP_K = 2;
  static final int HEAD_SIZE = 16;
  static final int INNER = 24;

  /** The names that GenAI's builder gives, but for those of later exporters. */
  public enum Names {
    USUAL("input_ids", "logits", "past_key_values.%d.key", "past_key_values.%d.value"),
    OTHER("tokens", "scores", "cache_in_k_%d", "cache_in_v_%d");

    final String ids;
    final String logits;
    final String pastKey;
    final String pastValue;

    Names(String ids, String logits, String pastKey, String pastValue) {
      this.ids = ids;
      this.logits = logits;
      this.pastKey = pastKey;
      this.pastValue = pastValue;
    }

    String of(String name) {
      return this == USUAL ? name : "my_" + name;
    }

    String presentKey() {
      return this == USUAL ? "present.%d.key" : "cache_out_k_%d";
    }

    String presentValue() {
      return this == USUAL ? "present.%d.value" : "cache_out_v_%d";
    }
  }

  /** Where the attention takes lengths from. */
  public enum Lengths {
    /** The ones in a sequence's mask: sequences may have different lengths. */
    MASK,
    /** The width of the mask: all have the same. */
    WIDTH
  }

  int hidden() {
    return heads * HEAD_SIZE;
  }

  /** What {@code genai_config.json} says. */
  String config(String file) {
    return String.format(
        Locale.ROOT,
        """
        {"model": {"vocab_size": %d, "context_length": %d, "eos_token_id": [%d], "type": "decoder",
          "decoder": {"filename": "%s", "head_size": %d, "hidden_size": %d,
            "num_attention_heads": %d, "num_hidden_layers": %d, "num_key_value_heads": %d,
            "inputs": {"input_ids": "%s", "attention_mask": "%s", "position_ids": "%s",
              "past_key_names": "%s", "past_value_names": "%s"},
            "outputs": {"logits": "%s", "present_key_names": "%s", "present_value_names": "%s"}}}}
        """,
        vocabulary,
        CONTEXT,
        vocabulary - 1,
        file,
        HEAD_SIZE,
        hidden(),
        heads,
        layers,
        cacheHeads,
        names.ids,
        names.of("attention_mask"),
        names.of("position_ids"),
        names.pastKey,
        names.pastValue,
        names.logits,
        names.presentKey(),
        names.presentValue());
  }
}
