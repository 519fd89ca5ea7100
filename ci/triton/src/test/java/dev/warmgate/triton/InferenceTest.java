package dev.warmgate.triton;

import static org.bytedeco.tritonserver.global.tritonserver.*;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warmgate.onnx.ElementType;
import dev.warmgate.onnx.SmallGraphs;
import dev.warmgate.triton.TritonCore.CoreException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What goes in and comes out: types, shapes, batches, and what is left out. */
class InferenceTest {
  private static final String BATCHING =
      Repository.MINIMAL
          + "max_batch_size: 64\n"
          + "dynamic_batching { max_queue_delay_microseconds: 100000 }\n";

  @TempDir static Path folder;

  private static Repository repository;
  private static TritonCore core;

  @BeforeAll
  static void start() throws IOException {
    repository = new Repository(folder);
    repository
        .add("gather", Repository.MINIMAL, SmallGraphs::gather)
        .add("gather_batched", BATCHING, SmallGraphs::gather)
        .add("nonzero", Repository.MINIMAL, SmallGraphs::nonZero)
        .add("optional", Repository.MINIMAL, SmallGraphs::optional)
        .add("defaulted", BATCHING, SmallGraphs::defaulted)
        .add("lies", Repository.MINIMAL, SmallGraphs::liesAboutItsShape)
        .add("slow", Repository.MINIMAL, file -> SmallGraphs.slow(file, 256))
        .add("batched", BATCHING, file -> SmallGraphs.identity(file, ElementType.FLOAT))
        .add("texts", BATCHING, file -> SmallGraphs.identity(file, ElementType.STRING));
    core = new TritonCore(folder, Suite.backends(), true);
  }

  @AfterAll
  static void stop() {
    core.close();
  }

  /** Triton's types, by its numbers, and bytes of an element. */
  private enum Type {
    BOOL(TRITONSERVER_TYPE_BOOL, 1),
    UINT8(TRITONSERVER_TYPE_UINT8, 1),
    UINT16(TRITONSERVER_TYPE_UINT16, 2),
    UINT32(TRITONSERVER_TYPE_UINT32, 4),
    UINT64(TRITONSERVER_TYPE_UINT64, 8),
    INT8(TRITONSERVER_TYPE_INT8, 1),
    INT16(TRITONSERVER_TYPE_INT16, 2),
    INT32(TRITONSERVER_TYPE_INT32, 4),
    INT64(TRITONSERVER_TYPE_INT64, 8),
    FLOAT16(TRITONSERVER_TYPE_FP16, 2),
    FLOAT(TRITONSERVER_TYPE_FP32, 4),
    DOUBLE(TRITONSERVER_TYPE_FP64, 8),
    BFLOAT16(TRITONSERVER_TYPE_BF16, 2);

    private final int number;
    private final int bytes;

    Type(int number, int bytes) {
      this.number = number;
      this.bytes = bytes;
    }
  }

  @ParameterizedTest
  @EnumSource(Type.class)
  void everyTypeGoesThrough(Type type) throws IOException {
    String name = "identity_" + type.name().toLowerCase(java.util.Locale.ROOT);
    repository.add(
        name,
        Repository.MINIMAL,
        file -> SmallGraphs.identity(file, ElementType.valueOf(type.name())));
    core.load(name);
    byte[] content = new byte[2 * 3 * type.bytes];
    new Random(type.number).nextBytes(content);
    if (type == Type.BOOL) {
      for (int i = 0; i < content.length; i++) {
        content[i] &= 1;
      }
    }
    TestTensor x = TestTensor.of("x", type.number, new long[] {3, 2}, content);
    for (TestTensor given : List.of(x, x.inPieces(5))) {
      Reply.Output y = core.infer(name, List.of(given), "y").outputs().get("y");
      assertEquals(type.number, y.type());
      assertArrayEquals(new long[] {3, 2}, y.shape());
      assertArrayEquals(content, y.content());
    }
    core.unload(name);
  }

  @Test
  void stringsAreAnyBytes() {
    core.load("texts");
    byte[][] strings = {
      new byte[0],
      {0},
      "a\u0000b".getBytes(StandardCharsets.UTF_8),
      "\uD83D\uDE00 ü".getBytes(StandardCharsets.UTF_8),
      {(byte) 0xff, (byte) 0xfe},
      new byte[70_000]
    };
    TestTensor x = TestTensor.strings("x", new long[] {3, 2}, strings);
    // The core wants no length cut in two; a string may be.
    for (TestTensor given : List.of(x, x.inPieces(40_000))) {
      List<byte[]> y = core.infer("texts", List.of(given), "y").strings("y");
      assertEquals(strings.length, y.size());
      for (int i = 0; i < strings.length; i++) {
        assertArrayEquals(strings[i], y.get(i));
      }
    }
  }

  @Test
  void stringsThatAreCutAreRefused() {
    core.load("texts");
    byte[] content = {9, 0, 0, 0, 'a', 'b'};
    TestTensor x = TestTensor.of("x", TRITONSERVER_TYPE_BYTES, new long[] {1, 2}, content);
    CoreException e = assertThrows(CoreException.class, () -> core.infer("texts", List.of(x), "y"));
    assertEquals(1, e.getMessage().lines().count(), e.getMessage());
    assertTrue(e.getMessage().contains("'x'"), e.getMessage());
  }

  @Test
  void anOutputOfUnknownShapeIsAsLargeAsItIs() {
    core.load("nonzero");
    for (int ones : new int[] {0, 1, 4}) {
      float[] values = new float[6];
      for (int i = 0; i < ones; i++) {
        values[i] = 1;
      }
      Reply reply =
          core.infer("nonzero", List.of(TestTensor.floats("x", new long[] {3, 2}, values)), "y");
      assertArrayEquals(new long[] {2, ones}, reply.shape("y"));
    }
  }

  @Test
  void aModelThatLiesAboutItsShapeIsServedAllTheSame() {
    core.load("lies");
    for (int round = 0; round < 3; round++) {
      Reply reply =
          core.infer(
              "lies",
              List.of(
                  TestTensor.floats("x", new long[] {1, 2}, 3, 4),
                  TestTensor.longs("repeats", new long[] {2}, 2, 1)),
              "y");
      assertArrayEquals(new long[] {2, 2}, reply.shape("y"));
      assertArrayEquals(new float[] {3, 4, 3, 4}, reply.floats("y"));
    }
  }

  @Test
  void optionalInputsAndRequestedOutputs() {
    core.load("optional");
    TestTensor x = TestTensor.floats("x", new long[] {1, 2}, 3, 4);
    TestTensor bias = TestTensor.floats("bias", new long[] {2}, 10, 20);
    Reply without = core.infer("optional", List.of(x), "y");
    assertEquals(java.util.Set.of("y"), without.outputs().keySet());
    assertArrayEquals(new float[] {3, 4}, without.floats("y"));
    Reply with = core.infer("optional", List.of(x, bias));
    assertEquals(java.util.Set.of("y", "z"), with.outputs().keySet());
    assertArrayEquals(new float[] {13, 24}, with.floats("y"));
    assertArrayEquals(new float[] {9, 16}, with.floats("z"));
  }

  @Test
  void theConfigurationIsCompleted() {
    core.load("optional");
    String config = core.config("optional");
    assertTrue(config.contains("\"TYPE_FP32\""), config);
    assertTrue(config.contains("\"optional\":true"), config);
    core.load("batched");
    assertTrue(core.config("batched").contains("\"dims\":[2]"), core.config("batched"));
  }

  @Test
  void batchesGoThroughTogetherAndComeBackApart() throws Exception {
    core.load("batched");
    core.load("texts");
    List<CompletableFuture<?>> checks = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      int rows = 1 + i % 3;
      float[] values = new float[2 * rows];
      byte[][] texts = new byte[2 * rows][];
      for (int j = 0; j < values.length; j++) {
        values[j] = 100 * i + j;
        texts[j] = "text %d %d".formatted(i, j).getBytes(StandardCharsets.UTF_8);
      }
      long[] shape = {rows, 2};
      checks.add(
          core.send(
                  "batched", List.of(TestTensor.floats("x", shape, values)), List.of(), 0, _ -> {})
              .replies()
              .thenAccept(r -> assertArrayEquals(values, r.getFirst().floats("y"))));
      checks.add(
          core.send("texts", List.of(TestTensor.strings("x", shape, texts)), List.of(), 0, _ -> {})
              .replies()
              .thenAccept(
                  r -> assertArrayEquals(texts, r.getFirst().strings("y").toArray(new byte[0][]))));
    }
    for (CompletableFuture<?> check : checks) {
      check.get(30, TimeUnit.SECONDS);
    }
    String statistics = core.statistics("batched");
    assertTrue(statistics.matches("(?s).*\"batch_size\":\"?([2-9]|[1-6]\\d).*"), statistics);
  }

  @Test
  void aBatchedRequestThatBringsNothingIsAnswered() throws Exception {
    core.load("defaulted");
    TestTensor x = TestTensor.floats("x", new long[] {1, 2}, 3, 4);
    var nothing = core.send("defaulted", List.of(), List.of(), 0, _ -> {}).replies();
    assertArrayEquals(new float[2], nothing.get(30, TimeUnit.SECONDS).getFirst().floats("y"));
    assertArrayEquals(new float[] {3, 4}, core.infer("defaulted", List.of(x)).floats("y"));
    core.unload("defaulted");
    for (int i = 0; core.index().contains("UNLOADING"); i++) {
      assertTrue(i < 500, core.index());
      Thread.sleep(20);
    }
  }

  @Test
  void aBadRequestDoesNotFailThoseThatItCameWith() throws Exception {
    core.load("gather_batched");
    List<CompletableFuture<List<Reply>>> good = new ArrayList<>();
    List<CompletableFuture<List<Reply>>> bad = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      TestTensor index = TestTensor.longs("index", new long[] {1, 1}, i % 5);
      (i % 5 == 4 ? bad : good)
          .add(core.send("gather_batched", List.of(index), List.of(), 0, _ -> {}).replies());
    }
    for (var reply : good) {
      assertArrayEquals(new float[2], reply.get(30, TimeUnit.SECONDS).getFirst().floats("y"));
    }
    for (var reply : bad) {
      ExecutionException e =
          assertThrows(ExecutionException.class, () -> reply.get(30, TimeUnit.SECONDS));
      assertEquals(1, e.getCause().getMessage().lines().count(), e.getCause().getMessage());
    }
  }

  @Test
  void wrongTypesAndShapesAreRefused() {
    core.load("gather");
    assertRefused("gather", TestTensor.floats("index", new long[] {1}, 1));
    assertRefused("gather", TestTensor.longs("index", new long[] {1, 1}, 1));
    assertRefused("gather", TestTensor.longs("other", new long[] {1}, 1));
    assertRefused("gather", TestTensor.longs("index", new long[] {2}, 1));
    Reply reply = core.infer("gather", List.of(TestTensor.longs("index", new long[] {1}, 1)), "y");
    assertArrayEquals(new float[2], reply.floats("y"));
  }

  private static void assertRefused(String model, TestTensor tensor) {
    CoreException e =
        assertThrows(CoreException.class, () -> core.infer(model, List.of(tensor), "y"));
    assertEquals(1, e.getMessage().lines().count(), e.getMessage());
  }

  @Test
  void aRunEndsWhenNobodyWaitsForIt() throws Exception {
    core.load("slow");
    TestTensor x = TestTensor.floats("x", new long[] {1, 256}, new float[256]);
    TestTensor forever = TestTensor.longs("times", new long[] {1}, 1_000_000_000);
    TritonCore.Call cancelled = core.send("slow", List.of(x, forever), List.of("y"), 0, _ -> {});
    Thread.sleep(50);
    cancelled.cancel();
    assertError(TRITONSERVER_ERROR_CANCELLED, cancelled);
    assertError(
        TRITONSERVER_ERROR_UNAVAILABLE,
        core.send("slow", List.of(x, forever), List.of("y"), 50_000, _ -> {}));
    TestTensor once = TestTensor.longs("times", new long[] {1}, 1);
    assertArrayEquals(new float[256], core.infer("slow", List.of(x, once), "y").floats("y"));
  }

  private static void assertError(int code, TritonCore.Call call) {
    ExecutionException e =
        assertThrows(ExecutionException.class, () -> call.replies().get(30, TimeUnit.SECONDS));
    assertEquals(code, ((CoreException) e.getCause()).code(), e.getMessage());
  }
}
