package dev.warmgate.cli;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;

/** Tensors as raw little-endian files. */
final class RawFiles {
  private final Path directory;
  private final Set<String> taken = new HashSet<>();

  /** Files in a folder, which is made if need be. */
  RawFiles(Path directory) throws IOException {
    if (Files.exists(directory) && !Files.isDirectory(directory)) {
      throw new IOException(directory + ": not a folder");
    }
    this.directory = Files.createDirectories(directory);
  }

  /**
   * A shape as users write it: {@code 1,8}; nothing for a scalar.
   *
   * @throws IllegalArgumentException if it is no shape
   */
  static long[] shape(String input, String text) {
    if (text.isBlank()) {
      return new long[0];
    }
    try {
      long[] shape =
          Arrays.stream(text.split(",", -1))
              .map(String::strip)
              .mapToLong(Long::parseLong)
              .toArray();
      if (Arrays.stream(shape).allMatch(size -> size >= 0)) {
        return shape;
      }
    } catch (NumberFormatException e) {
      // said below, for negative sizes too
    }
    throw new IllegalArgumentException("--shape " + input + "=" + text + ": not sizes like 1,8");
  }

  /**
   * Maps a file as a tensor, without a copy.
   *
   * @param arena unmaps the file; the tensor must have been closed before
   * @throws IllegalArgumentException if the shape is open or the file's size doesn't fit it
   */
  static OnnxTensor read(
      OrtEnvironment environment,
      Arena arena,
      String input,
      Path file,
      OnnxJavaType type,
      long[] shape)
      throws IOException, OrtException {
    if (Arrays.stream(shape).anyMatch(size -> size < 0)) {
      throw new IllegalArgumentException(
          "input %s is open in %s: give --shape %s=..."
              .formatted(input, Arrays.toString(shape), input));
    }
    if (!Files.isRegularFile(file)) {
      throw new IOException(file + ": no such file");
    }
    long size = Files.size(file);
    long wanted = bytes(input, type, shape);
    if (size != wanted) {
      throw new IllegalArgumentException(
          "%s: has %d bytes; input %s, %s %s, takes %d"
              .formatted(file, size, input, typeName(type), Arrays.toString(shape), wanted));
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      ByteBuffer bytes =
          size == 0
              ? ByteBuffer.allocateDirect(0)
              : channel.map(FileChannel.MapMode.READ_ONLY, 0, size, arena).asByteBuffer();
      return OnnxTensor.createTensor(
          environment, bytes.order(ByteOrder.nativeOrder()), shape, type);
    }
  }

  private static long bytes(String input, OnnxJavaType type, long[] shape) {
    long bytes = type.size;
    for (long size : shape) {
      if (size != 0 && bytes > Integer.MAX_VALUE / size) {
        throw new IllegalArgumentException(
            "input " + input + ": " + Arrays.toString(shape) + " is more than 2 GiB");
      }
      bytes *= size;
    }
    return bytes;
  }

  /**
   * Writes a tensor's bytes into a file named like the tensor, as far as file names allow.
   *
   * @return the file
   */
  Path write(String output, ByteBuffer bytes) throws IOException {
    String name = output.replaceAll("[^A-Za-z0-9._-]", "_").replaceFirst("^\\.+", "_");
    name = name.substring(0, Math.min(name.length(), 100));
    String free = name;
    for (int i = 2; !taken.add(free.toLowerCase(Locale.ROOT)); i++) {
      free = name + "-" + i;
    }
    Path file = directory.resolve(free + ".bin");
    try (FileChannel channel =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
    }
    return file;
  }

  /** The type as NumPy calls it. */
  static String typeName(OnnxJavaType type) {
    return switch (type) {
      case FLOAT -> "float32";
      case DOUBLE -> "float64";
      default -> type.name().toLowerCase(Locale.ROOT);
    };
  }
}
