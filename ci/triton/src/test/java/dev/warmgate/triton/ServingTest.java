package dev.warmgate.triton;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OrtException;
import dev.warmgate.onnx.ElementType;
import dev.warmgate.onnx.MoeModelSpec;
import dev.warmgate.onnx.MoeModels;
import dev.warmgate.onnx.SmallGraphs;
import dev.warmgate.triton.TritonCore.CoreException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Models with experts in a real core: right, within budget, and gone when they are unloaded. */
class ServingTest {
  private static final MoeModelSpec SPEC =
      MoeModelSpec.small().withLayers(2).withExperts(16).withTopK(2).withSizes(32, 48);
  private static final long BUDGET = 6 * SPEC.bytesPerExpert();
  private static final String NATIVE = "warmgate_native_bytes";

  @TempDir Path folder;

  private Repository repository;
  private TritonCore core;

  @BeforeEach
  void start() {
    repository = new Repository(folder);
    core = new TritonCore(folder, Suite.backends(), true);
  }

  @AfterEach
  void stop() {
    core.close();
  }

  private static String config(long budget) {
    return Repository.config("expert_memory", Long.toString(budget), "warm_start", "off");
  }

  private List<MoeTensors> addModel(String name, String config, int cases)
      throws IOException, OrtException {
    repository.add(name, config, file -> MoeModels.write(file, SPEC));
    return MoeTensors.of(folder.resolve(name).resolve("1").resolve("model.onnx"), SPEC, cases);
  }

  @Test
  void manyClientsOfManyInstancesGetWhatOnnxRuntimeAloneComputes() throws Exception {
    String instances = config(BUDGET) + "instance_group [ { kind: KIND_CPU count: 4 } ]\n";
    List<MoeTensors> cases = addModel("moe", instances, 64);
    core.load("moe");
    int clients = 8;
    int requests = 2000;
    int wrong = 0;
    try (ExecutorService pool = Executors.newFixedThreadPool(clients)) {
      List<Future<Integer>> results = new ArrayList<>();
      for (int client = 0; client < clients; client++) {
        int first = client * 7;
        results.add(
            pool.submit(
                () -> {
                  int bad = 0;
                  for (int i = 0; i < requests; i++) {
                    MoeTensors given = cases.get((first + i) % cases.size());
                    bad += given.matches(core.infer("moe", given.inputs())) ? 0 : 1;
                  }
                  return bad;
                }));
      }
      for (Future<Integer> result : results) {
        wrong += result.get();
      }
    }
    assertEquals(0, wrong);
    assertWithin(BUDGET, "warmgate_expert_resident_peak_bytes");
    assertEquals((double) BUDGET, awaitMetric("warmgate_expert_budget_bytes", BUDGET));
    assertTrue(core.metric("warmgate_expert_loads_total") > 0);
    double hits = core.metric("warmgate_expert_hits_total");
    double misses = core.metric("warmgate_expert_misses_total");
    assertTrue(hits > 0 && misses > 0, core.metrics());
    String count = "\"inference_count\":" + clients * requests;
    assertTrue(core.statistics("moe").replace("\"", "").contains(count.replace("\"", "")));
    core.unload("moe");
    awaitNoMemory();
  }

  private void assertWithin(long budget, String metric) {
    double value = core.metric(metric);
    assertTrue(value > 0 && value <= (double) budget, metric + " " + value);
  }

  /** Metrics are written from time to time. */
  private double awaitMetric(String name, long expected) throws InterruptedException {
    double value = core.metric(name);
    for (int i = 0; value != (double) expected && i < 100; i++) {
      Thread.sleep(20);
      value = core.metric(name);
    }
    return value;
  }

  private void awaitNoMemory() throws InterruptedException {
    assertEquals(0, awaitMetric(NATIVE, 0), core.index());
  }

  @Test
  void reloadsLeaveNothingBehind() throws Exception {
    List<MoeTensors> cases = addModel("moe", config(BUDGET), 4);
    for (int round = 0; round < 20; round++) {
      core.load("moe");
      for (MoeTensors given : cases) {
        assertTrue(given.matches(core.infer("moe", given.inputs())));
      }
      if (round % 2 == 1) {
        core.unload("moe");
        awaitNoMemory();
      } else {
        // The next load makes a new version of the model while this one serves.
        Files.writeString(folder.resolve("moe").resolve("config.pbtxt"), config(BUDGET + round));
      }
    }
    assertFalse(core.ready("moe"));
  }

  @Test
  void whoIsUnderWayIsAnsweredThoughTheModelGoes() throws Exception {
    List<MoeTensors> cases = addModel("moe", config(BUDGET), 16);
    for (int round = 0; round < 5; round++) {
      core.load("moe");
      List<CompletableFuture<Boolean>> answers = new ArrayList<>();
      for (int i = 0; i < 200; i++) {
        MoeTensors given = cases.get(i % cases.size());
        answers.add(
            core.send("moe", given.inputs(), List.of(), 0, _ -> {})
                .replies()
                .thenApply(replies -> given.matches(replies.getFirst())));
      }
      core.unload("moe");
      for (CompletableFuture<Boolean> answer : answers) {
        assertTrue(answer.get(30, TimeUnit.SECONDS));
      }
      awaitNoMemory();
    }
  }

  @Test
  void modelsShareTheBudgetOfTheProcess() throws Exception {
    String half =
        Repository.config(
            "expert_memory", Long.toString(BUDGET), "process_memory", Long.toString(2 * BUDGET));
    addModel("first", half, 0);
    List<MoeTensors> cases = addModel("second", half, 4);
    addModel("third", half, 0);
    core.load("first");
    core.load("second");
    assertMessage("process_memory", () -> core.load("third"));
    for (MoeTensors given : cases) {
      assertTrue(given.matches(core.infer("second", given.inputs())));
    }
    core.unload("first");
    awaitMetric("warmgate_expert_budget_bytes", BUDGET);
    core.load("third");
  }

  @Test
  void badModelsSayWhyAndOthersServeOn() throws Exception {
    List<MoeTensors> cases = addModel("good", config(BUDGET), 2);
    core.load("good");
    addModel("unknown", Repository.config("expert_memroy", "1g"), 0);
    assertMessage("unknown parameter 'expert_memroy'", () -> core.load("unknown"));
    addModel("wrong", Repository.config("expert_memory", "lots"), 0);
    assertMessage("'lots' is not a memory size", () -> core.load("wrong"));
    addModel("small", config(1), 0);
    assertMessage("less than one expert", () -> core.load("small"));
    repository.add("mode", Repository.config("mode", "sing"), file -> {});
    assertMessage("'sing' is not one of infer, generate", () -> core.load("mode"));
    repository.add("missing", Repository.MINIMAL, file -> {});
    assertMessage("model.onnx: no such file", () -> core.load("missing"));
    repository.add("damaged", Repository.MINIMAL, file -> Files.writeString(file, "not a model"));
    assertMessage("model.onnx", () -> core.load("damaged"));
    addModel("no_data", config(BUDGET), 0);
    Files.delete(folder.resolve("no_data").resolve("1").resolve("model.onnx.data"));
    assertMessage("model.onnx.data", () -> core.load("no_data"));
    repository.add("text", Repository.config("mode", "generate"), file -> {});
    assertMessage("tokenizer", () -> core.load("text"));
    addIdentity("input", "input [ { name: \"a\" data_type: TYPE_FP32 dims: [ -1, 2 ] } ]\n");
    assertMessage("no input 'a'", () -> core.load("input"));
    addIdentity("type", "input [ { name: \"x\" data_type: TYPE_INT8 dims: [ -1, 2 ] } ]\n");
    assertMessage("TYPE_INT8", () -> core.load("type"));
    addIdentity("shape", "output [ { name: \"y\" data_type: TYPE_FP32 dims: [ -1, 3 ] } ]\n");
    assertMessage("[-1, 3]", () -> core.load("shape"));
    for (MoeTensors given : cases) {
      assertTrue(given.matches(core.infer("good", given.inputs())));
    }
  }

  private void addIdentity(String name, String config) throws IOException {
    repository.add(
        name, Repository.MINIMAL + config, file -> SmallGraphs.identity(file, ElementType.FLOAT));
  }

  private void assertMessage(String part, Runnable load) throws IOException {
    String before = core.index();
    CoreException e = assertThrows(CoreException.class, load::run);
    // The core says that loading failed; the reason is in its index.
    String said = e.getMessage() + core.index();
    assertTrue(said.contains(part), said + before);
  }

  @Test
  void aReadThatFailsFailsItsRequestOnly() throws Exception {
    List<MoeTensors> cases = addModel("moe", config(SPEC.bytesPerExpert()), 8);
    core.load("moe");
    Path data = folder.resolve("moe").resolve("1").resolve("model.onnx.data");
    byte[] whole = Files.readAllBytes(data);
    Files.write(data, new byte[0]);
    CoreException e =
        assertThrows(CoreException.class, () -> core.infer("moe", cases.getFirst().inputs()));
    assertTrue(e.getMessage().contains("model.onnx.data"), e.getMessage());
    Files.write(data, whole);
    for (MoeTensors given : cases) {
      assertTrue(given.matches(core.infer("moe", given.inputs())));
    }
  }
}
