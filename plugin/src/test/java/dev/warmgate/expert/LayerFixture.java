package dev.warmgate.expert;

import dev.warmgate.config.WarmgateOptions;
import dev.warmgate.hwdetect.Plan;
import dev.warmgate.kernels.Activation;
import dev.warmgate.kernels.FfnShape;
import dev.warmgate.kernels.RealType;
import dev.warmgate.kernels.Team;
import dev.warmgate.kernels.Tier;
import dev.warmgate.residency.FileRegion;
import dev.warmgate.routing.GateRule;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;

/** A layer of random weights in a file, and what it computes, in double precision. */
final class LayerFixture {
  private static final ValueLayout.OfFloat F32 = ValueLayout.JAVA_FLOAT_UNALIGNED;

  final LayerSpec spec;
  private final Path file;
  private final byte[] content;
  private final float[] fc1;
  private final float[] bias1;
  private final float[] fc2;
  private final float[] bias2;

  LayerFixture(Path file, Random random, FfnShape shape, GateRule rule, boolean... biases)
      throws IOException {
    this.file = file;
    int experts = rule.experts();
    int hidden = shape.hidden();
    int inner = shape.inner();
    fc1 = values(random, experts * shape.rows1() * hidden, 1 / Math.sqrt(hidden));
    bias1 = values(random, biases[0] ? experts * shape.rows1() : 0, 0.3);
    fc2 = values(random, experts * hidden * inner, 1 / Math.sqrt(inner));
    bias2 = values(random, biases[1] ? experts * hidden : 0, 0.3);
    // Tensors in an order and at distances of their own.
    int gap = random.nextInt(100);
    ByteBuffer bytes =
        ByteBuffer.allocate(4 * (fc1.length + bias1.length + fc2.length + bias2.length) + 5 * gap)
            .order(ByteOrder.nativeOrder());
    FileRegion second = put(bytes, fc2, gap);
    Optional<FileRegion> b1 = biases[0] ? Optional.of(put(bytes, bias1, gap)) : Optional.empty();
    FileRegion first = put(bytes, fc1, gap);
    Optional<FileRegion> b2 = biases[1] ? Optional.of(put(bytes, bias2, gap)) : Optional.empty();
    content = bytes.array();
    Files.write(file, content);
    spec =
        new LayerSpec(
            name(),
            shape,
            rule,
            RealType.FP32,
            MatrixPlace.real(first, b1),
            MatrixPlace.real(second, b2));
  }

  private String name() {
    return "moe of " + file.getFileName();
  }

  private FileRegion put(ByteBuffer bytes, float[] values, int gap) {
    bytes.position(bytes.position() + gap);
    FileRegion region = new FileRegion(file, bytes.position(), 4L * values.length);
    for (float value : values) {
      bytes.putFloat(value);
    }
    return region;
  }

  static float[] values(Random random, int count, double scale) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (scale * random.nextGaussian());
    }
    return values;
  }

  Path file() {
    return file;
  }

  /** Bytes of one expert. */
  long expertBytes() {
    return spec.store().expertBytes();
  }

  void cut(long length) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.truncate(length);
    }
  }

  void repair() throws IOException {
    Files.write(file, content, StandardOpenOption.WRITE);
  }

  /** Opens a model of this layer alone. */
  MoeModel open(Tier tier, int slots) throws IOException {
    return open(tier, slots, RealType.FP32);
  }

  /** The same, where the host's values are of a type. */
  MoeModel open(Tier tier, int slots, RealType type) throws IOException {
    LayerSpec typed =
        new LayerSpec(spec.name(), spec.shape(), spec.rule(), type, spec.fc1(), spec.fc2());
    return openSpecs(List.of(typed), tier, slots * expertBytes());
  }

  static MoeModel open(List<LayerFixture> layers, Tier tier, long budget) throws IOException {
    return openSpecs(layers.stream().map(layer -> layer.spec).toList(), tier, budget);
  }

  private static MoeModel openSpecs(List<LayerSpec> layers, Tier tier, long budget)
      throws IOException {
    return MoeModel.open(
        Optional.empty(),
        layers,
        layers.stream().map(_ -> Optional.<GateMatrix>empty()).toList(),
        WarmgateOptions.parse(Map.of("expert_memory", Long.toString(budget))),
        new Plan(tier, 2, 2, 1L << 40, 4096, 4096, 2, false, List.of()));
  }

  /** Runs a layer; {@code hidden.length} says how many tokens. */
  float[] run(MoeLayer layer, float[] hidden, float[] logits, Team team) throws IOException {
    try (Arena arena = Arena.ofShared()) {
      MemorySegment out = arena.allocate(4L * hidden.length + 1, 64).fill((byte) 0x77);
      layer.execute(
          arena.allocateFrom(F32, hidden),
          arena.allocateFrom(F32, logits),
          MemorySegment.NULL,
          out.asSlice(0, 4L * hidden.length),
          hidden.length / spec.shape().hidden(),
          team);
      if (out.get(ValueLayout.JAVA_BYTE, 4L * hidden.length) != 0x77) {
        throw new AssertionError("wrote behind the output");
      }
      return out.asSlice(0, 4L * hidden.length).toArray(F32);
    }
  }

  /** What the operator computes. */
  double[] reference(float[] hidden, float[] logits) {
    int h = spec.shape().hidden();
    int experts = spec.rule().experts();
    double[] out = new double[hidden.length];
    for (int t = 0; t < hidden.length / h; t++) {
      float[] row = Arrays.copyOfRange(logits, t * experts, (t + 1) * experts);
      // Without ties the order of equals doesn't matter.
      List<Integer> chosen =
          IntStream.range(0, experts)
              .boxed()
              .sorted(Comparator.comparing((Integer e) -> -row[e]))
              .limit(spec.rule().topK())
              .toList();
      List<Integer> summed =
          switch (spec.rule().over()) {
            case SELECTED -> chosen;
            case ALL -> IntStream.range(0, experts).boxed().toList();
          };
      double max = row[chosen.getFirst()];
      double sum = summed.stream().mapToDouble(e -> Math.exp(row[e] - max)).sum();
      for (int expert : chosen) {
        double weight = Math.exp(row[expert] - max) / sum;
        double[] result = expert(expert, hidden, t * h);
        for (int j = 0; j < h; j++) {
          out[t * h + j] += weight * result[j];
        }
      }
    }
    return out;
  }

  private double[] expert(int expert, float[] hidden, int at) {
    FfnShape shape = spec.shape();
    int h = shape.hidden();
    int rows = shape.rows1();
    double[] up = new double[rows];
    for (int r = 0; r < rows; r++) {
      up[r] = bias1.length > 0 ? bias1[expert * rows + r] : 0;
      for (int j = 0; j < h; j++) {
        up[r] += (double) fc1[(expert * rows + r) * h + j] * hidden[at + j];
      }
    }
    double[] inner = new double[shape.inner()];
    for (int i = 0; i < inner.length; i++) {
      inner[i] =
          switch (shape.activation()) {
            case SWIGLU_INTERLEAVED -> swiglu(shape, up[2 * i], up[2 * i + 1]);
            case SWIGLU_HALVES -> swiglu(shape, up[i], up[i + inner.length]);
            default -> activate(shape.activation(), up[i]);
          };
    }
    double[] out = new double[h];
    for (int j = 0; j < h; j++) {
      out[j] = bias2.length > 0 ? bias2[expert * h + j] : 0;
      for (int i = 0; i < inner.length; i++) {
        out[j] += (double) fc2[(expert * h + j) * inner.length + i] * inner[i];
      }
    }
    return out;
  }

  private static double swiglu(FfnShape shape, double gate, double linear) {
    double g = Math.min(gate, shape.limit());
    double l = Math.clamp(linear, -(double) shape.limit(), (double) shape.limit());
    return g / (1 + Math.exp(-shape.alpha() * g)) * (l + shape.beta());
  }

  private static double activate(Activation activation, double x) {
    return switch (activation) {
      case RELU -> Math.max(0, x);
      case GELU -> 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
      case SILU -> x / (1 + Math.exp(-x));
      default -> x;
    };
  }
}
