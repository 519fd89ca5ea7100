package dev.warmgate.generate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import dev.warmgate.host.ort.WarmgateProvider;
import dev.warmgate.onnx.DecoderModels;
import dev.warmgate.onnx.DecoderSpec;
import dev.warmgate.onnx.DecoderSpec.Lengths;
import dev.warmgate.onnx.DecoderSpec.Names;
import dev.warmgate.onnx.ElementType;
import dev.warmgate.onnx.proto.TensorProto.DataType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Texts side by side are what ONNX Runtime's own session writes alone. */
class TextBatchTest {
  private static final SessionSetup STOCK = options -> {};
  private static final int TEXTS = 9;
  private static final int NEVER = -1;

  @TempDir Path folder;

  /** A text: when it comes, and when its client goes. */
  @SuppressWarnings("ArrayRecordComponent") // Never compared.
  private record Order(int[] prompt, int tokens, int from, int until) {}

  private DecoderModel open(DecoderSpec spec, SessionSetup setup) throws IOException, OrtException {
    DecoderModels.write(folder, spec, 7);
    return DecoderModel.open(OrtEnvironment.getEnvironment(), folder, setup);
  }

  private static DecoderSpec spec(ElementType cache, boolean positions, Lengths lengths) {
    return new DecoderSpec(ElementType.INT64, cache, positions, 101, 3, 4, 2, Names.USUAL, lengths);
  }

  /** Prompts from one token to most of the context; some come late, some go early. */
  private static List<Order> orders(SplittableRandom random, int vocabulary) {
    List<Order> orders = new ArrayList<>();
    for (int i = 0; i < TEXTS; i++) {
      int length = i == 0 ? 1 : i == 1 ? DecoderSpec.CONTEXT - 3 : random.nextInt(1, 60);
      int[] prompt = random.ints(length, 0, vocabulary).toArray();
      int from = i < 4 ? 0 : random.nextInt(15);
      int until = i % 5 == 4 ? from + 1 + random.nextInt(10) : NEVER;
      orders.add(new Order(prompt, 1 + random.nextInt(40), from, until));
    }
    return orders;
  }

  private static List<List<Integer>> write(TextBatch batch, List<Order> orders) {
    List<List<Integer>> written = new ArrayList<>();
    orders.forEach(_ -> written.add(new ArrayList<>()));
    TextBatch.Text[] texts = new TextBatch.Text[orders.size()];
    int last = orders.stream().mapToInt(Order::from).max().orElseThrow();
    for (int step = 0; step <= last || !batch.isEmpty(); step++) {
      boolean[] over = new boolean[texts.length];
      for (int i = 0; i < texts.length; i++) {
        Order order = orders.get(i);
        if (order.from == step) {
          texts[i] = batch.add(order.prompt, order.tokens, Sampling.GREEDY);
        } else if (order.until == step) {
          batch.remove(texts[i]);
        }
        over[i] =
            texts[i] == null
                || texts[i].finish().isPresent()
                || (order.until != NEVER && order.until <= step);
      }
      batch.step();
      for (int i = 0; i < texts.length; i++) {
        if (!over[i]) {
          assertTrue(texts[i].failure().isEmpty(), () -> "failed");
          texts[i].token().ifPresent(written.get(i)::add);
        }
      }
    }
    return written;
  }

  private void assertSameAsStock(DecoderModel model, TextBatch batch, long seed)
      throws OrtException {
    List<Order> orders = orders(new SplittableRandom(seed), model.config().vocabularySize());
    List<List<Integer>> written = write(batch, orders);
    try (StockDecoder stock = new StockDecoder(model.config())) {
      for (int i = 0; i < TEXTS; i++) {
        Order order = orders.get(i);
        List<Integer> expected = stock.greedy(order.prompt, order.tokens);
        if (order.until != NEVER) {
          int steps = order.until - order.from;
          expected = expected.subList(0, Math.min(steps, expected.size()));
        }
        assertEquals(expected, written.get(i), "seed %d, text %d".formatted(seed, i));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("dev.warmgate.generate.LayoutVariants#all")
  void textsThatComeAndGoAreThoseOfStock(DecoderSpec spec) throws IOException, OrtException {
    // Fp16 attention rounds otherwise there in a batch than alone, and a gate's close choice flips.
    assumeFalse(
        spec.cache() != ElementType.FLOAT && System.getProperty("os.arch").equals("aarch64"),
        "caches in half precision on aarch64");
    try (DecoderModel model = open(spec, STOCK);
        TextBatch batch = TextBatch.of(model)) {
      assertTrue(batch.together());
      for (long seed = 0; seed < 2; seed++) {
        assertSameAsStock(model, batch, seed);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"100%", "30%"})
  void warmgateServesThemToo(String memory) throws IOException, OrtException {
    SessionSetup setup =
        options ->
            WarmgateProvider.register(OrtEnvironment.getEnvironment())
                .addTo(options, Map.of("expert_memory", memory, "warm_start", "off"));
    try (DecoderModel model = open(spec(ElementType.FLOAT, false, Lengths.MASK), setup);
        TextBatch batch = TextBatch.of(model)) {
      assertTrue(batch.together());
      assertSameAsStock(model, batch, 5);
    }
  }

  @Test
  void whatCanNotBeBatchedTakesTurns() throws IOException, OrtException {
    try (DecoderModel model = open(spec(ElementType.FLOAT, false, Lengths.WIDTH), STOCK);
        TextBatch batch = TextBatch.of(model)) {
      assertFalse(batch.together());
      assertSameAsStock(model, batch, 6);
    }
  }

  @ParameterizedTest
  @CsvSource({"false", "true"})
  void aCacheThatIsConcatenatedTakesTurns(boolean openBatch) throws IOException, OrtException {
    ToyDecoder toy = new ToyDecoder(DataType.INT64, DataType.FLOAT, true, true, openBatch);
    toy.write(folder);
    try (DecoderModel model = DecoderModel.open(OrtEnvironment.getEnvironment(), folder, STOCK);
        TextBatch batch = TextBatch.of(model)) {
      assertFalse(batch.together());
      List<Order> orders =
          List.of(new Order(new int[] {3}, 9, 0, NEVER), new Order(new int[] {1, 2}, 5, 2, NEVER));
      List<List<Integer>> written = write(batch, orders);
      for (int i = 0; i < orders.size(); i++) {
        Order order = orders.get(i);
        assertEquals(
            new Generator(model)
                .generate(order.prompt, order.tokens, Sampling.GREEDY, _ -> {})
                .tokens(),
            written.get(i));
      }
    }
  }

  @Test
  void whatGoesWrongWithOneTextEndsThatAlone() throws IOException, OrtException {
    try (DecoderModel model = open(spec(ElementType.FLOAT, false, Lengths.MASK), STOCK);
        TextBatch batch = TextBatch.of(model);
        StockDecoder stock = new StockDecoder(model.config())) {
      int[] prompt = {5, 6, 7};
      TextBatch.Text good = batch.add(prompt, 6, Sampling.GREEDY);
      batch.step();
      int first = good.token().orElseThrow();
      TextBatch.Text bad = batch.add(new int[] {5, 101}, 6, Sampling.GREEDY);
      List<Integer> written = new ArrayList<>(List.of(first));
      while (!batch.isEmpty()) {
        batch.step();
        good.token().ifPresent(written::add);
      }
      assertInstanceOf(IllegalArgumentException.class, bad.failure().orElseThrow());
      assertEquals(stock.greedy(prompt, 6), written);
    }
  }

  /** Rows hold what single sequences hold, however memory grew and rows moved. */
  @Test
  void rowsMoveWhole() throws IOException, OrtException {
    try (DecoderModel model = open(spec(ElementType.FLOAT, true, Lengths.MASK), STOCK);
        DecoderBatch batch = new DecoderBatch(model, null)) {
      SplittableRandom random = new SplittableRandom(3);
      List<BatchRow> rows = new ArrayList<>();
      List<List<Integer>> texts = new ArrayList<>();
      for (int round = 0; round < 40; round++) {
        if (rows.size() < 5 && random.nextInt(3) > 0) {
          int[] prompt = random.ints(1 + random.nextInt(30), 0, 101).toArray();
          BatchRow row = batch.start(DecoderSpec.CONTEXT);
          row.append(prompt);
          rows.add(row);
          texts.add(new ArrayList<>(Arrays.stream(prompt).boxed().toList()));
        } else if (!rows.isEmpty() && random.nextInt(4) == 0) {
          int gone = random.nextInt(rows.size());
          rows.remove(gone).close();
          texts.remove(gone);
        }
        for (int i = 0; i < rows.size(); i++) {
          int token = random.nextInt(101);
          rows.get(i).next(token);
          texts.get(i).add(token);
        }
        batch.step();
      }
      for (int i = 0; i < rows.size(); i++) {
        int[] text = texts.get(i).stream().mapToInt(Integer::intValue).toArray();
        try (DecoderState alone = model.start(text.length)) {
          assertArrayEquals(alone.append(text), rows.get(i).logits(), 1e-4f);
          assertEquals(text.length, rows.get(i).length());
        }
      }
    }
  }

  /** What those that left had is neither kept nor multiplied by those that came. */
  @Test
  void memoryIsThatOfTheTextsThatAreThere() throws IOException, OrtException {
    try (DecoderModel model = open(spec(ElementType.FLOAT, false, Lengths.MASK), STOCK);
        DecoderBatch batch = new DecoderBatch(model, null)) {
      int context = model.config().contextLength();
      BatchRow longest = batch.start(context);
      longest.append(new int[context - 1]);
      assertEquals(context, batch.cache().tokens());
      BatchRow shortOne = batch.start(2);
      float[] before = shortOne.append(3).clone();
      longest.close();
      List<BatchRow> many = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        many.add(batch.start(2));
      }
      assertEquals(64, batch.cache().tokens());
      assertEquals(16, batch.cache().rows());
      many.forEach(BatchRow::close);
      BatchRow again = batch.start(context);
      assertArrayEquals(before, again.append(3), 1e-5f);
      again.append(new int[context - 2]);
      assertEquals(context, batch.cache().tokens());
      assertEquals(2, batch.cache().rows());
    }
  }

  /** A long prompt goes through the model in parts. */
  @ParameterizedTest
  @MethodSource("dev.warmgate.generate.LayoutVariants#all")
  void aPromptInPartsIsThePromptAtOnce(DecoderSpec spec) throws IOException, OrtException {
    SplittableRandom random = new SplittableRandom(3);
    try (DecoderModel model = open(spec, STOCK);
        DecoderBatch batch = new DecoderBatch(model, null)) {
      batch.start(5).append(1, 2, 3);
      for (int round = 0; round < 5; round++) {
        int[] prompt = random.ints(100, 0, model.config().vocabularySize()).toArray();
        BatchRow row = batch.start(prompt.length);
        float[] logits = {};
        for (int from = 0; from < prompt.length; ) {
          int to = Math.min(prompt.length, from + 1 + random.nextInt(40));
          logits = row.append(Arrays.copyOfRange(prompt, from, to));
          from = to;
        }
        try (DecoderState alone = model.start(prompt.length)) {
          float[] expected = alone.append(prompt);
          float largest = 0;
          for (float e : expected) largest = Math.max(largest, Math.abs(e));
          assertArrayEquals(expected, logits, 2e-2f * largest, "round " + round);
        }
      }
    }
  }
}
