package dev.warmgate.triton;

import static org.bytedeco.tritonserver.global.tritonserver.*;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warmgate.triton.TritonCore.CoreException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Text from the example model, alone and side by side. */
class GenerationTest {
  private static final String MODEL = "kjv";
  private static final int TOKENS = 40;
  private static final List<String> PROMPTS =
      List.of(
          "In the beginning",
          "And it came to pass",
          "The LORD",
          "He that",
          "Blessed are",
          "O give thanks",
          "And Moses said unto",
          "Behold, I");

  @TempDir static Path folder;

  private static TritonCore core;

  @BeforeAll
  static void start() throws IOException {
    ExampleModel.addTo(
        new Repository(folder),
        MODEL,
        Repository.config("mode", "generate", "expert_memory", "40%", "warm_start", "off"));
    core = new TritonCore(folder, Suite.backends(), true);
    core.load(MODEL);
  }

  @AfterAll
  static void stop() {
    core.close();
  }

  private static TestTensor text(String prompt) {
    return TestTensor.strings(
        "text_input", new long[] {1}, prompt.getBytes(StandardCharsets.UTF_8));
  }

  private static List<TestTensor> request(String prompt, int tokens, boolean stream) {
    return List.of(
        text(prompt),
        TestTensor.ints("max_tokens", new long[] {1}, tokens),
        TestTensor.of(
            "stream",
            TRITONSERVER_TYPE_BOOL,
            new long[] {1},
            new byte[] {(byte) (stream ? 1 : 0)}));
  }

  private static List<Reply> replies(TritonCore.Call call) throws Exception {
    return call.replies().get(60, TimeUnit.SECONDS);
  }

  private static int[] ids(List<Reply> replies) {
    return replies.stream().flatMapToInt(r -> IntStream.of(r.ints("token_ids"))).toArray();
  }

  private static String text(List<Reply> replies) {
    StringBuilder text = new StringBuilder();
    replies.forEach(reply -> text.append(reply.text("text_output")));
    return text.toString();
  }

  @Test
  void greedyIdsAreThoseOfRunAloneAndSideBySide() throws Exception {
    List<int[]> alone = new ArrayList<>();
    for (String prompt : PROMPTS) {
      List<Reply> one =
          replies(core.send(MODEL, request(prompt, TOKENS, true), List.of(), 0, _ -> {}));
      assertTrue(one.size() > 1, "streamed in one piece");
      alone.add(ids(one));
    }
    for (int i = 0; i < 2; i++) {
      ExampleModel.Written expected = ExampleModel.run(PROMPTS.get(i), TOKENS, folder);
      assertArrayEquals(expected.ids(), alone.get(i));
    }
    List<TritonCore.Call> calls = new ArrayList<>();
    for (String prompt : PROMPTS) {
      calls.add(core.send(MODEL, request(prompt, TOKENS, true), List.of(), 0, _ -> {}));
    }
    for (int i = 0; i < PROMPTS.size(); i++) {
      assertArrayEquals(alone.get(i), ids(replies(calls.get(i))), PROMPTS.get(i));
    }
  }

  @Test
  void withoutStreamTheTextComesInOnePiece() throws Exception {
    List<Reply> pieces =
        replies(core.send(MODEL, request("The LORD", 12, true), List.of(), 0, _ -> {}));
    List<Reply> whole =
        replies(core.send(MODEL, request("The LORD", 12, false), List.of(), 0, _ -> {}));
    assertEquals(1, whole.size());
    assertEquals(text(pieces), text(whole));
    assertArrayEquals(ids(pieces), ids(whole));
  }

  @Test
  void onlyWhatIsWantedIsSent() throws Exception {
    List<Reply> replies =
        replies(core.send(MODEL, request("He that", 4, true), List.of("text_output"), 0, _ -> {}));
    assertTrue(
        replies.stream()
            .allMatch(r -> r.outputs().keySet().equals(java.util.Set.of("text_output"))));
  }

  @Test
  void equalSeedsWriteEqualTexts() throws Exception {
    assertArrayEquals(sampled(1), sampled(1));
    assertNotEquals(Arrays.toString(sampled(1)), Arrays.toString(sampled(2)));
  }

  private static int[] sampled(long seed) throws Exception {
    List<TestTensor> inputs = new ArrayList<>(request("Behold", 20, false));
    inputs.add(TestTensor.floats("temperature", new long[] {1}, 1.5f));
    inputs.add(TestTensor.floats("top_p", new long[] {1}, 0.95f));
    inputs.add(TestTensor.longs("seed", new long[] {1}, seed));
    return ids(replies(core.send(MODEL, inputs, List.of(), 0, _ -> {})));
  }

  @Test
  void aSequenceEndsWithItsClient() throws Exception {
    CountDownLatch begun = new CountDownLatch(3);
    TritonCore.Call call =
        core.send(MODEL, request("And it came", 480, true), List.of(), 0, _ -> begun.countDown());
    assertTrue(begun.await(30, TimeUnit.SECONDS));
    call.cancel();
    ExecutionException e = assertThrows(ExecutionException.class, () -> replies(call));
    assertEquals(TRITONSERVER_ERROR_CANCELLED, ((CoreException) e.getCause()).code());
  }

  @Test
  void whatMakesNoSenseIsRefusedInOneLine() {
    assertRefused("max_tokens", request("He", 0, false));
    assertRefused("context", request("word ".repeat(600), 5, false));
    List<TestTensor> cold = new ArrayList<>(request("He", 5, false));
    cold.add(TestTensor.floats("temperature", new long[] {1}, -1));
    assertRefused("temperature", cold);
  }

  private static void assertRefused(String part, List<TestTensor> inputs) {
    ExecutionException e =
        assertThrows(
            ExecutionException.class,
            () -> replies(core.send(MODEL, inputs, List.of(), 0, _ -> {})));
    String message = e.getCause().getMessage();
    assertTrue(message.contains(part), message);
    assertEquals(1, message.lines().count(), message);
  }

  @Test
  void moreSequencesThanThereIsRoomForWait() throws Exception {
    String few = "few";
    ExampleModel.addTo(
        new Repository(folder),
        few,
        Repository.config("mode", "generate", "max_sequences", "2", "warm_start", "off"));
    core.load(few);
    List<TritonCore.Call> calls = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      calls.add(core.send(few, request("The LORD", 5, true), List.of(), 0, _ -> {}));
    }
    core.unload(few);
    int[] first = ids(replies(calls.getFirst()));
    for (TritonCore.Call call : calls) {
      assertArrayEquals(first, ids(replies(call)));
    }
  }

  @Test
  void oneThatWaitsForRoomCanBeCancelled() throws Exception {
    String single = "single";
    ExampleModel.addTo(
        new Repository(folder),
        single,
        Repository.config("mode", "generate", "max_sequences", "1", "warm_start", "off"));
    core.load(single);
    TritonCore.Call first =
        core.send(single, request("And it came", 480, true), List.of(), 0, _ -> {});
    TritonCore.Call second =
        core.send(single, request("The LORD", 480, true), List.of(), 0, _ -> {});
    second.cancel();
    ExecutionException e = assertThrows(ExecutionException.class, () -> replies(second));
    assertEquals(TRITONSERVER_ERROR_CANCELLED, ((CoreException) e.getCause()).code());
    assertFalse(first.replies().isDone(), "the first text was over before");
    first.cancel();
    assertThrows(ExecutionException.class, () -> replies(first));
  }

  @Test
  void textsJoinAndLeaveThoseThatAreBeingWritten() throws Exception {
    CountDownLatch begun = new CountDownLatch(5);
    TritonCore.Call leaving =
        core.send(MODEL, request("And it came", 480, true), List.of(), 0, _ -> begun.countDown());
    List<TritonCore.Call> early = sendAll(PROMPTS.subList(0, 4));
    assertTrue(begun.await(30, TimeUnit.SECONDS));
    List<TritonCore.Call> late = sendAll(PROMPTS.subList(4, 8));
    leaving.cancel();
    List<TritonCore.Call> all = new ArrayList<>(early);
    all.addAll(late);
    for (int i = 0; i < PROMPTS.size(); i++) {
      int[] alone =
          ids(
              replies(
                  core.send(MODEL, request(PROMPTS.get(i), TOKENS, false), List.of(), 0, _ -> {})));
      assertArrayEquals(alone, ids(replies(all.get(i))), PROMPTS.get(i));
    }
    assertThrows(ExecutionException.class, () -> replies(leaving));
  }

  private static List<TritonCore.Call> sendAll(List<String> prompts) {
    return prompts.stream()
        .map(prompt -> core.send(MODEL, request(prompt, TOKENS, true), List.of(), 0, _ -> {}))
        .toList();
  }
}
