package dev.warmgate.residency.store;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Writes headers. */
final class StoreEncoding {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  private StoreEncoding() {}

  static ByteBuffer encode(StoreHeader header, long id) {
    StoreEncoding encoding = new StoreEncoding();
    encoding.start(header, id);
    encoding.body(header);
    ByteBuffer bytes =
        ByteBuffer.allocate(encoding.out.size() + Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.put(encoding.out.toByteArray());
    bytes.putInt(Long.BYTES + Integer.BYTES, bytes.capacity());
    ByteBuffer covered = bytes.duplicate().flip();
    return bytes.putInt(StoreHeader.crc(covered)).flip();
  }

  private void start(StoreHeader header, long id) {
    number(StoreHeader.MAGIC);
    number(StoreHeader.VERSION);
    number(0); // the length, once it is known
    number(id);
    number(header.fileBytes());
  }

  private void body(StoreHeader header) {
    number(header.graphChecksum());
    number(header.sources().size());
    for (SourceFile source : header.sources()) {
      text(source.name());
      number(source.bytes());
      number(source.modifiedMillis());
    }
    number(header.layers().size());
    for (StoredLayer layer : header.layers()) {
      text(layer.name());
      number(layer.experts());
      number(layer.partBytes().size());
      number(layer.offset());
      number(layer.pitch());
      layer.partBytes().forEach(this::number);
      layer.checksums().forEach(this::number);
    }
  }

  private void text(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    number(bytes.length);
    out.writeBytes(bytes);
  }

  private void number(int value) {
    for (int shift = 0; shift < Integer.SIZE; shift += Byte.SIZE) {
      out.write(value >>> shift);
    }
  }

  private void number(long value) {
    number((int) value);
    number((int) (value >>> Integer.SIZE));
  }
}
