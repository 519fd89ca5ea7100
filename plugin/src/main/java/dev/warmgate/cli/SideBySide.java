package dev.warmgate.cli;

import ai.onnxruntime.OrtException;
import dev.warmgate.generate.DecoderModel;
import dev.warmgate.generate.Generation;
import dev.warmgate.generate.Sampling;
import dev.warmgate.generate.TextBatch;
import java.util.ArrayList;
import java.util.List;

/** Several texts written side by side, and told in the order of their prompts. */
final class SideBySide {
  private final TextBatch batch;
  private final List<int[]> prompts;
  private final int atATime;

  /**
   * What became of a prompt.
   *
   * @param tokens the ids, without the prompt
   */
  record Written(List<Integer> tokens, Generation.Finish finish) {
    int[] ids() {
      return tokens.stream().mapToInt(Integer::intValue).toArray();
    }
  }

  /** Is told of each text, in the order of the prompts, as soon as it and those before are done. */
  interface Listener {
    void wrote(int index, Written written);
  }

  /** The text of prompt {@code index}, once it was begun. */
  private record Going(int index, TextBatch.Text text, List<Integer> tokens) {}

  SideBySide(DecoderModel model, List<int[]> prompts, int atATime) {
    batch = TextBatch.of(model);
    this.prompts = List.copyOf(prompts);
    this.atATime = atATime;
  }

  /**
   * Writes all of them.
   *
   * @throws IllegalArgumentException if a prompt or a number makes no sense
   * @throws OrtException if the model can't be run
   */
  void write(int maxTokens, Sampling sampling, Runnable onToken, Listener listener)
      throws OrtException {
    try (batch) {
      List<Going> all = new ArrayList<>();
      List<Going> going = new ArrayList<>();
      int told = 0;
      while (told < prompts.size()) {
        while (going.size() < atATime && all.size() < prompts.size()) {
          int index = all.size();
          Going next =
              new Going(
                  index, batch.add(prompts.get(index), maxTokens, sampling), new ArrayList<>());
          all.add(next);
          going.add(next);
        }
        batch.step();
        for (Going text : going) {
          check(text);
          text.text
              .token()
              .ifPresent(
                  id -> {
                    text.tokens.add(id);
                    onToken.run();
                  });
        }
        going.removeIf(text -> text.text.finish().isPresent());
        while (told < all.size() && all.get(told).text.finish().isPresent()) {
          Going done = all.get(told);
          listener.wrote(told++, new Written(done.tokens, done.text.finish().orElseThrow()));
        }
      }
    }
  }

  private static void check(Going going) throws OrtException {
    switch (going.text.failure().orElse(null)) {
      case null -> {}
      case OrtException e -> throw e;
      case Error e -> throw e;
      case Throwable e ->
          throw new IllegalArgumentException(
              "prompt %d: %s".formatted(going.index + 1, e.getMessage()), e);
    }
  }
}
