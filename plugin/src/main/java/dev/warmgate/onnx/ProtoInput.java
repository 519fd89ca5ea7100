package dev.warmgate.onnx;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * A protobuf file, read field by field within bounds: no length inside it is believed beyond the
 * file's end, and what is kept of it in memory has a limit that no honest graph comes near.
 */
final class ProtoInput {
  /** What one entry of a list costs in memory, roughly. */
  static final int ITEM_BYTES = 64;

  private static final int BUFFER_BYTES = 1 << 16;
  private static final long KEPT_BYTES_LIMIT = 256L << 20;
  private static final int TEXT_BYTES_LIMIT = 1 << 20;
  private static final int SHORT_TEXT_BYTES = 1 << 12;
  private static final int DEPTH_LIMIT = 100;

  private final Path file;
  private final CodedInputStream in;
  private long kept;
  private int depth;

  /** Reads {@code fileBytes} from the start of {@code stream}. */
  ProtoInput(Path file, InputStream stream, int fileBytes) throws IOException {
    this.file = file;
    this.in = CodedInputStream.newInstance(stream, BUFFER_BYTES);
    in.setSizeLimit(Integer.MAX_VALUE);
    in.pushLimit(fileBytes);
  }

  /** What reads the fields of a message. */
  @FunctionalInterface
  interface Body {
    void read() throws IOException;
  }

  /** The place of a field's content in the file. */
  record Span(long offset, int length) {}

  Path file() {
    return file;
  }

  long position() {
    return in.getTotalBytesRead();
  }

  /** The next field's tag; 0 at the end of the message. */
  int tag() throws IOException {
    return in.readTag();
  }

  /** Whether the current message has no more bytes. */
  boolean atEnd() throws IOException {
    return in.isAtEnd();
  }

  /** Skips the field whose tag was just read. */
  void skip(int tag) throws IOException {
    if (!in.skipField(tag)) {
      throw new InvalidProtocolBufferException("group end without a start");
    }
  }

  /** Reads a message field; {@code body} must read tags until it meets 0. */
  void message(Body body) throws IOException {
    if (++depth > DEPTH_LIMIT) {
      throw fail("graphs nested too deeply");
    }
    int outer = in.pushLimit(length());
    body.read();
    if (in.getBytesUntilLimit() != 0) {
      throw new InvalidProtocolBufferException("message ends early");
    }
    in.popLimit(outer);
    depth--;
  }

  long int64() throws IOException {
    return in.readInt64();
  }

  int int32() throws IOException {
    return in.readInt32();
  }

  float float32() throws IOException {
    return in.readFloat();
  }

  /** Length-delimited content as text. */
  String text() throws IOException {
    return new String(bytes(), StandardCharsets.UTF_8);
  }

  /** Length-delimited content as text; empty if it is too long to be a word of an attribute. */
  String shortText() throws IOException {
    int length = length();
    if (length > SHORT_TEXT_BYTES) {
      in.skipRawBytes(length);
      return "";
    }
    keep(length + ITEM_BYTES);
    return new String(in.readRawBytes(length), StandardCharsets.UTF_8);
  }

  /** Length-delimited content. */
  byte[] bytes() throws IOException {
    int length = length();
    if (length > TEXT_BYTES_LIMIT) {
      throw fail("a name or description of " + length + " bytes");
    }
    keep(length + ITEM_BYTES);
    return in.readRawBytes(length);
  }

  /** Length-delimited content, skipped. */
  Span span() throws IOException {
    int length = length();
    long offset = position();
    in.skipRawBytes(length);
    return new Span(offset, length);
  }

  /** Counts memory that the caller is about to keep. */
  void keep(long bytes) throws ModelException {
    kept += bytes;
    if (kept > KEPT_BYTES_LIMIT) {
      throw fail("its graph, without weights, needs more than " + KEPT_BYTES_LIMIT + " bytes");
    }
  }

  ModelException fail(String reason) {
    return new ModelException(file + ": " + reason);
  }

  private int length() throws IOException {
    int length = in.readRawVarint32();
    if (length < 0 || length > in.getBytesUntilLimit()) {
      throw new InvalidProtocolBufferException("a length that leaves the message");
    }
    return length;
  }
}
