package dev.warmgate.triton;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** One answer, copied out of the core's memory. */
record Reply(Map<String, Output> outputs) {

  /** An output of an answer. */
  @SuppressWarnings("ArrayRecordComponent") // Never compared.
  record Output(int type, long[] shape, byte[] content) {}

  long[] shape(String output) {
    return outputs.get(output).shape;
  }

  float[] floats(String output) {
    float[] values = new float[outputs.get(output).content.length / 4];
    bytes(output).asFloatBuffer().get(values);
    return values;
  }

  int[] ints(String output) {
    int[] values = new int[outputs.get(output).content.length / 4];
    bytes(output).asIntBuffer().get(values);
    return values;
  }

  List<byte[]> strings(String output) {
    ByteBuffer bytes = bytes(output).order(ByteOrder.LITTLE_ENDIAN);
    List<byte[]> strings = new ArrayList<>();
    while (bytes.hasRemaining()) {
      byte[] string = new byte[bytes.getInt()];
      bytes.get(string);
      strings.add(string);
    }
    return strings;
  }

  String text(String output) {
    return new String(strings(output).getFirst(), StandardCharsets.UTF_8);
  }

  private ByteBuffer bytes(String output) {
    return ByteBuffer.wrap(outputs.get(output).content).order(ByteOrder.nativeOrder());
  }
}
