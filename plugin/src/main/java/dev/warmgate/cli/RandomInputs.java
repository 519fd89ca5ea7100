package dev.warmgate.cli;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtUtil;
import ai.onnxruntime.TensorInfo;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;

/**
 * Inputs that a model can digest, made up from a seed: normal floats, ids inside the vocabulary,
 * masks of ones, positions that go on from the past.
 *
 * @param tokens new tokens; what a dimension without a known size stands for
 * @param past tokens before them
 * @param vocabulary ids are below this
 * @param seed equal seeds give equal inputs
 */
record RandomInputs(int tokens, int past, int vocabulary, long seed) {

  /** The largest tensor; a Java buffer holds no more. */
  private static final long MAX_BYTES = Integer.MAX_VALUE;

  /**
   * Makes a tensor for each input; the caller closes them.
   *
   * @throws IllegalArgumentException if an input can't be made up; the message names it
   */
  Map<String, OnnxTensor> make(OrtEnvironment environment, Map<String, NodeInfo> inputs)
      throws OrtException {
    Map<String, OnnxTensor> tensors = new TreeMap<>();
    SplittableRandom random = new SplittableRandom(seed);
    try {
      for (Map.Entry<String, NodeInfo> input : new TreeMap<>(inputs).entrySet()) {
        tensors.put(
            input.getKey(), make(environment, input.getKey(), input.getValue(), random.split()));
      }
      return tensors;
    } catch (OrtException | RuntimeException e) {
      tensors.values().forEach(OnnxTensor::close);
      throw e;
    }
  }

  private OnnxTensor make(
      OrtEnvironment environment, String name, NodeInfo node, SplittableRandom random)
      throws OrtException {
    if (!(node.getInfo() instanceof TensorInfo info) || !Elements.fixedSize(info.type)) {
      throw new IllegalArgumentException(
          "input " + name + ": can't make up " + node.getInfo() + ", only tensors of numbers");
    }
    long[] shape = shape(name, info);
    long count = OrtUtil.elementCount(shape);
    if (count * info.type.size > MAX_BYTES) {
      throw new IllegalArgumentException(
          "input " + name + ": " + Arrays.toString(shape) + " is more than 2 GiB");
    }
    ByteBuffer buffer =
        ByteBuffer.allocateDirect(Math.toIntExact(count * info.type.size))
            .order(ByteOrder.nativeOrder());
    for (int i = 0; i < count; i++) {
      Elements.put(buffer, info.type, i, value(name, info, i, random));
    }
    return OnnxTensor.createTensor(environment, buffer, shape, info.type);
  }

  /** The declared shape with sizes for what is open. */
  long[] shape(String name, TensorInfo info) {
    long[] shape = info.getShape();
    String[] names = info.getDimensionNames();
    long open = Arrays.stream(shape).filter(size -> size < 0).count();
    boolean batch = open > 1; // a single open dimension is the tokens'
    for (int d = 0; d < shape.length; d++) {
      if (shape[d] < 0) {
        String dimension = names.length > d ? names[d].toLowerCase(Locale.ROOT) : "";
        shape[d] = size(name, dimension, batch);
        batch = false;
      }
    }
    return shape;
  }

  private long size(String input, String dimension, boolean first) {
    if (dimension.contains("batch") && !dimension.contains("token")) {
      return 1;
    }
    if (dimension.contains("total") || dimension.contains("+")) {
      return (long) past + tokens;
    }
    if (dimension.contains("past")) {
      return past;
    }
    if (first) {
      return 1;
    }
    if (dimension.isEmpty() && input.contains("past")) {
      return past;
    }
    return input.contains("mask") ? (long) past + tokens : tokens;
  }

  private double value(String name, TensorInfo info, int index, SplittableRandom random) {
    if (Elements.floating(info.type)) {
      return random.nextGaussian();
    }
    if (name.contains("mask")) {
      return 1;
    }
    if (name.contains("position")) {
      return past + index % Math.max(1, tokens);
    }
    return switch (info.type) {
      case BOOL -> random.nextInt(2);
      case INT32, INT64 -> random.nextInt(vocabulary);
      default -> random.nextInt(Math.min(vocabulary, 128));
    };
  }
}
