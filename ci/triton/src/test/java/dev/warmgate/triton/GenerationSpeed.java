package dev.warmgate.triton;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tokens a second of one text, and of eight side by side. Prints; not a test. */
class GenerationSpeed {
  private static final int TOKENS = 200;

  @TempDir Path folder;

  @Test
  void measure() throws IOException, InterruptedException, ExecutionException {
    ExampleModel.addTo(
        new Repository(folder),
        "kjv",
        Repository.config("mode", "generate", "expert_memory", "25%", "warm_start", "off"));
    try (TritonCore core = new TritonCore(folder, Suite.backends(), true)) {
      core.load("kjv");
      for (int i = 0; i < 8; i++) {
        tokensPerSecond(core, 1);
      }
      for (int round = 0; round < 3; round++) {
        double one = tokensPerSecond(core, 1);
        double eight = tokensPerSecond(core, 8);
        System.out.printf(
            "tokens/s: one text %.0f, eight together %.0f, %.2f times%n", one, eight, eight / one);
      }
    }
  }

  private static double tokensPerSecond(TritonCore core, int texts)
      throws InterruptedException, ExecutionException {
    long start = System.nanoTime();
    List<TritonCore.Call> calls = new ArrayList<>();
    for (int i = 0; i < texts; i++) {
      byte[] prompt = "And %d of them".formatted(i).getBytes(StandardCharsets.UTF_8);
      List<TestTensor> inputs =
          List.of(
              TestTensor.strings("text_input", new long[] {1}, prompt),
              TestTensor.ints("max_tokens", new long[] {1}, TOKENS));
      calls.add(core.send("kjv", inputs, List.of(), 0, _ -> {}));
    }
    int tokens = 0;
    for (TritonCore.Call call : calls) {
      tokens += call.replies().get().getFirst().ints("token_ids").length;
    }
    return tokens * 1e9 / (System.nanoTime() - start);
  }
}
