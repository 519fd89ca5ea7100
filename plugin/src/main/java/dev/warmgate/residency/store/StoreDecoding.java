package dev.warmgate.residency.store;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Reads headers. */
final class StoreDecoding {
  private static final int LAYER_BYTES = 4 + 4 + 4 + 8 + 8;
  private static final int SOURCE_BYTES = 4 + 8 + 8;

  private final String file;
  private final ByteBuffer in;

  private StoreDecoding(String file, ByteBuffer in) {
    this.file = file;
    this.in = in;
  }

  static StoreHeader decode(String file, ByteBuffer bytes, long actualBytes) throws StoreException {
    int end = bytes.limit() - Integer.BYTES;
    ByteBuffer in = bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    if (in.getInt(end) != StoreHeader.crc(bytes.duplicate().limit(end))) {
      throw StoreHeader.damaged(file, "its header's checksum doesn't fit");
    }
    in.limit(end).position(Long.BYTES + 2 * Integer.BYTES);
    try {
      long id = in.getLong();
      StoreHeader header = new StoreDecoding(file, in).read();
      check(file, header, bytes.limit(), actualBytes);
      if (in.hasRemaining() || header.id() != id) {
        throw StoreHeader.damaged(file, "its header contradicts itself");
      }
      return header;
    } catch (BufferUnderflowException e) {
      throw StoreHeader.damaged(file, "its header ends early");
    } catch (IllegalArgumentException e) {
      throw StoreHeader.damaged(file, e.getMessage());
    }
  }

  private StoreHeader read() throws StoreException {
    long fileBytes = in.getLong();
    int graphChecksum = in.getInt();
    int sourceCount = count(SOURCE_BYTES);
    List<SourceFile> sources = new ArrayList<>();
    for (int i = 0; i < sourceCount; i++) {
      sources.add(new SourceFile(text(), in.getLong(), in.getLong()));
    }
    int layerCount = count(LAYER_BYTES);
    List<StoredLayer> layers = new ArrayList<>();
    for (int i = 0; i < layerCount; i++) {
      layers.add(layer());
    }
    return new StoreHeader(fileBytes, graphChecksum, sources, layers);
  }

  private StoredLayer layer() throws StoreException {
    String name = text();
    int experts = count(Integer.BYTES);
    int parts = count(Long.BYTES);
    long offset = in.getLong();
    long pitch = in.getLong();
    List<Long> partBytes = new ArrayList<>();
    for (int i = 0; i < parts; i++) {
      partBytes.add(in.getLong());
    }
    List<Integer> checksums = new ArrayList<>();
    for (int i = 0; i < experts; i++) {
      checksums.add(in.getInt());
    }
    return new StoredLayer(name, offset, pitch, partBytes, checksums);
  }

  /** A number of things that take at least so many bytes each. */
  private int count(int bytesEach) throws StoreException {
    int count = in.getInt();
    if (count < 0 || count > in.remaining() / bytesEach) {
      throw StoreHeader.damaged(file, "its header ends early");
    }
    return count;
  }

  private String text() throws StoreException {
    byte[] bytes = new byte[count(1)];
    in.get(bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private static void check(String file, StoreHeader header, long headerBytes, long actualBytes)
      throws StoreException {
    if (header.fileBytes() != actualBytes) {
      throw StoreHeader.damaged(
          file, "it has %d bytes, but was made with %d".formatted(actualBytes, header.fileBytes()));
    }
    long end = headerBytes;
    for (StoredLayer layer : header.layers()) {
      if (layer.offset() < end || layer.end() > actualBytes) {
        throw StoreHeader.damaged(
            file,
            "layer %s lies from %d to %d".formatted(layer.name(), layer.offset(), layer.end()));
      }
      end = layer.end();
    }
  }
}
