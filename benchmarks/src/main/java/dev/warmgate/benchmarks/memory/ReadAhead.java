package dev.warmgate.benchmarks.memory;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * How much Linux reads ahead where a process faults on a page of a mapped file: a setting of the
 * device, which decides how fast an engine is that leaves paging to the page cache. Set back when
 * closed.
 */
final class ReadAhead implements AutoCloseable {
  private static final Path DEVICES = Path.of("/sys/class/bdi");

  private final Path setting;
  private final long before;

  private ReadAhead(Path setting, long before) {
    this.setting = setting;
    this.before = before;
  }

  /**
   * That of the device which holds a file.
   *
   * @throws IOException in one line, if it isn't known
   */
  static ReadAhead of(Path file) throws IOException {
    long device = ((Number) Files.getAttribute(file, "unix:dev")).longValue();
    // As glibc's gnu_dev_major and gnu_dev_minor take it apart.
    long major = ((device >>> 8) & 0xfff) | ((device >>> 32) & ~0xfffL);
    long minor = (device & 0xff) | ((device >>> 12) & ~0xffL);
    Path setting = DEVICES.resolve(major + ":" + minor).resolve("read_ahead_kb");
    if (!Files.isReadable(setting)) {
      throw new IOException(file + ": " + setting + " doesn't say what is read ahead");
    }
    return new ReadAhead(setting, read(setting));
  }

  private static long read(Path setting) throws IOException {
    return Long.parseLong(Files.readString(setting).strip());
  }

  /** In KiB. */
  long kib() throws IOException {
    return read(setting);
  }

  /**
   * Changes it for the whole machine.
   *
   * @throws IOException in one line, if this process may not
   */
  void set(long kib) throws IOException {
    try {
      Files.writeString(setting, Long.toString(kib));
    } catch (IOException e) {
      throw new IOException("can't set " + setting + " (root may): " + e.getMessage(), e);
    }
  }

  @Override
  public void close() throws IOException {
    if (kib() != before) {
      set(before);
    }
  }
}
