package dev.warmgate.triton;

import static org.bytedeco.tritonserver.global.tritonserver.*;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.BytePointer;

/**
 * An input of a request.
 *
 * @param pieces of its content, in the order of memory that the core is told of
 */
@SuppressWarnings("ArrayRecordComponent") // Never compared.
record TestTensor(String name, int type, long[] shape, List<BytePointer> pieces) {

  static TestTensor of(String name, int type, long[] shape, byte[] content) {
    return new TestTensor(name, type, shape, List.of(pointer(content)));
  }

  static TestTensor floats(String name, long[] shape, float... values) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.nativeOrder());
    bytes.asFloatBuffer().put(values);
    return of(name, TRITONSERVER_TYPE_FP32, shape, bytes.array());
  }

  static TestTensor ints(String name, long[] shape, int... values) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.nativeOrder());
    bytes.asIntBuffer().put(values);
    return of(name, TRITONSERVER_TYPE_INT32, shape, bytes.array());
  }

  static TestTensor longs(String name, long[] shape, long... values) {
    ByteBuffer bytes = ByteBuffer.allocate(8 * values.length).order(ByteOrder.nativeOrder());
    bytes.asLongBuffer().put(values);
    return of(name, TRITONSERVER_TYPE_INT64, shape, bytes.array());
  }

  static TestTensor strings(String name, long[] shape, byte[]... values) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (byte[] value : values) {
      byte[] length =
          ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(value.length).array();
      out.writeBytes(length);
      out.writeBytes(value);
    }
    return of(name, TRITONSERVER_TYPE_BYTES, shape, out.toByteArray());
  }

  /** The same content in pieces of at most so many bytes. */
  TestTensor inPieces(int bytes) {
    byte[] all = new byte[(int) pieces.getFirst().limit()];
    pieces.getFirst().get(all);
    List<BytePointer> parts = new ArrayList<>();
    for (int from = 0; from < all.length; from += bytes) {
      parts.add(
          pointer(java.util.Arrays.copyOfRange(all, from, Math.min(all.length, from + bytes))));
    }
    return new TestTensor(name, type, shape, parts);
  }

  private static BytePointer pointer(byte[] content) {
    BytePointer pointer = new BytePointer(Math.max(1, content.length));
    pointer.put(content);
    return pointer.limit(content.length);
  }
}
