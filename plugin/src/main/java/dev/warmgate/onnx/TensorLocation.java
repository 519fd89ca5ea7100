package dev.warmgate.onnx;

import java.nio.file.Path;

/** Where the bytes of a tensor are. */
public sealed interface TensorLocation {

  /** Bytes that can be read as they are: little-endian, row-major. */
  sealed interface Addressable extends TensorLocation {
    /** The file, as an absolute path. */
    Path file();

    /** First byte in the file, 0 or more. */
    long offset();

    /** Bytes; the file is known to reach that far. */
    long length();
  }

  /** In the {@code .onnx} file itself. */
  record Embedded(Path file, long offset, long length) implements Addressable {}

  /** In a file beside the model. */
  record External(Path file, long offset, long length) implements Addressable {}

  /**
   * In an expert store beside the model, expert by expert.
   *
   * @param file the store, as an absolute path
   * @param offset which tells the store what tensor is meant, see {@link StoreOffset}
   * @param length bytes
   */
  record Stored(Path file, long offset, long length) implements TensorLocation {}

  /**
   * In the {@code .onnx} file, but encoded number by number.
   *
   * @param field the protobuf field that holds the values, such as {@code int32_data}
   */
  record Encoded(String field) implements TensorLocation {}
}
