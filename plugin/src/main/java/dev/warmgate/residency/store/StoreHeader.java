package dev.warmgate.residency.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * What stands at the start of a store, and says what is in it.
 *
 * <p>Version 1, little-endian, numbers of 4 or 8 bytes:
 *
 * <pre>
 * "WarmExps"  version:4  header bytes:4  id:8  file bytes:8
 * graph checksum:4  sources:4  { name  bytes:8  modified:8 }
 * layers:4  { name  experts:4  parts:4  offset:8  pitch:8  { part bytes:8 }  { checksum:4 } }
 * CRC-32C of all bytes before:4
 * </pre>
 *
 * A name is its length in bytes:4 and UTF-8. Experts follow, each at a multiple of {@link
 * StoredLayer#ALIGNMENT}.
 *
 * @param fileBytes of the whole store; another size tells of a store that was cut or written over
 * @param graphChecksum CRC-32C of the {@code .onnx} file that it was made from
 * @param sources the {@code .onnx} file and those that experts came from
 * @param layers in the order of their tensors' numbers
 */
public record StoreHeader(
    long fileBytes, int graphChecksum, List<SourceFile> sources, List<StoredLayer> layers) {
  static final long MAGIC = 0x73707845_6D726157L;
  static final int VERSION = 1;

  /** Bytes from which {@link #headerBytes} tells how long a header is. */
  static final int START_BYTES = 32;

  /** More than a million experts need; a longer one is damage. */
  static final int MOST_BYTES = 64 << 20;

  public StoreHeader {
    sources = List.copyOf(sources);
    layers = List.copyOf(layers);
  }

  /**
   * What tells stores apart: equal for stores of equal content, where parts lie included. Made of
   * the experts' checksums, so that a store of the same model with other weights has another.
   */
  public long id() {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(StoreEncoding.encode(this, 0));
      return ByteBuffer.wrap(digest.digest()).getLong();
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  /** The header as bytes, ready to be read. */
  public ByteBuffer encode() {
    return StoreEncoding.encode(this, id());
  }

  /** How many bytes {@link #encode} gives, whatever the checksums are. */
  public int encodedBytes() {
    return StoreEncoding.encode(this, 0).remaining();
  }

  /** Reads from a file at some place. */
  @FunctionalInterface
  public interface Reader {
    /** Reads some bytes, at least one; −1 at the file's end. */
    int read(ByteBuffer target, long position) throws IOException;
  }

  /**
   * Reads the header of a store.
   *
   * @param file for messages
   * @param size of the file
   * @throws StoreException if this is no store, one that this version can't read, or the header or
   *     the file's size is not what was written
   * @throws IOException if reading fails
   */
  public static StoreHeader read(String file, long size, Reader reader) throws IOException {
    ByteBuffer start = fill(file, reader, (int) Math.min(size, START_BYTES));
    int bytes = headerBytes(file, start, size);
    return StoreDecoding.decode(file, fill(file, reader, bytes), size);
  }

  private static ByteBuffer fill(String file, Reader reader, int bytes) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(bytes);
    while (buffer.hasRemaining()) {
      if (reader.read(buffer, buffer.position()) <= 0) {
        throw damaged(file, "it ends within its header");
      }
    }
    return buffer.flip();
  }

  private static int headerBytes(String file, ByteBuffer start, long size) throws StoreException {
    ByteBuffer in = start.order(ByteOrder.LITTLE_ENDIAN);
    if (in.remaining() < START_BYTES || in.getLong() != MAGIC) {
      throw new StoreException(file + ": not an expert store");
    }
    int version = in.getInt();
    if (version != VERSION) {
      throw new StoreException(
          "%s: an expert store of version %d, this Warmgate reads %d; repack the model"
              .formatted(file, Integer.toUnsignedLong(version), VERSION));
    }
    int bytes = in.getInt();
    if (bytes < START_BYTES || bytes > Math.min(size, MOST_BYTES)) {
      throw damaged(file, "its header has " + Integer.toUnsignedLong(bytes) + " bytes");
    }
    return bytes;
  }

  /**
   * What a tensor of the store is.
   *
   * @param layer whose experts it has
   * @param part which of their parts
   */
  public record Part(StoredLayer layer, int part) {}

  /** The tensor of that number; tensors are numbered through all layers. */
  public Optional<Part> find(int tensor) {
    int part = tensor;
    for (StoredLayer layer : layers) {
      if (part >= 0 && part < layer.partBytes().size()) {
        return Optional.of(new Part(layer, part));
      }
      part -= layer.partBytes().size();
    }
    return Optional.empty();
  }

  static StoreException damaged(String file, String what) {
    return new StoreException(file + ": the expert store is damaged: " + what);
  }

  static int crc(ByteBuffer bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes);
    return (int) crc.getValue();
  }
}
