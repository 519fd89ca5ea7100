package dev.warmgate.generate;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Greedy texts from ONNX Runtime's own session, without any of our loop: every step is given the
 * whole text and an empty cache.
 */
final class StockDecoder implements AutoCloseable {
  private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
  private final GenAiConfig config;
  private final OrtSession session;

  StockDecoder(GenAiConfig config) throws OrtException {
    this.config = config;
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(1);
      session = environment.createSession(config.model().toString(), options);
    }
  }

  /** The ids that follow a prompt, up to a stop token. */
  List<Integer> greedy(int[] prompt, int tokens) throws OrtException {
    List<Integer> text = new ArrayList<>();
    for (int id : prompt) {
      text.add(id);
    }
    for (int i = 0; i < tokens && text.size() < config.contextLength(); i++) {
      int next = next(text);
      if (config.stopIds().contains(next)) {
        break;
      }
      text.add(next);
    }
    return text.subList(prompt.length, text.size());
  }

  private int next(List<Integer> text) throws OrtException {
    Map<String, OnnxTensor> inputs = new HashMap<>();
    GenAiConfig.Names names = config.names();
    for (var input : session.getInputInfo().entrySet()) {
      TensorInfo info = (TensorInfo) input.getValue().getInfo();
      String name = input.getKey();
      int count = info.getShape().length == 2 ? text.size() : 0;
      ByteBuffer content = ByteBuffer.allocateDirect(8 * count + 8).order(ByteOrder.nativeOrder());
      for (int i = 0; i < count; i++) {
        int value =
            name.equals(names.inputIds()) ? text.get(i) : name.equals(names.positionIds()) ? i : 1;
        if (info.type == OnnxJavaType.INT64) {
          content.putLong(value);
        } else {
          content.putInt(value);
        }
      }
      long[] shape =
          count > 0
              ? new long[] {1, count}
              : new long[] {1, config.keyValueHeads(), 0, config.headSize()};
      inputs.put(name, OnnxTensor.createTensor(environment, content.flip(), shape, info.type));
    }
    try (OrtSession.Result result = session.run(inputs)) {
      float[][][] logits = (float[][][]) result.get(names.logits()).orElseThrow().getValue();
      float[] last = logits[0][text.size() - 1];
      int best = 0;
      for (int id = 1; id < last.length; id++) {
        best = last[id] > last[best] ? id : best;
      }
      return best;
    } finally {
      inputs.values().forEach(OnnxTensor::close);
    }
  }

  @Override
  public void close() throws OrtException {
    session.close();
  }
}
