package dev.warmgate.hwdetect;

import dev.warmgate.hwdetect.linux.SystemFiles;
import java.nio.file.Path;

/** Finds out what this machine is. */
public final class HardwareDetector {

  private static final System.Logger LOG = System.getLogger(HardwareDetector.class.getName());

  private HardwareDetector() {}

  /** Asks OSHI once a process: it takes a tenth of a second, and the answer stays. */
  private static final class Memo {
    static final Processor PROCESSOR = query();

    private static Processor query() {
      try {
        return OshiProcessor.query();
      } catch (RuntimeException | LinkageError e) {
        // A machine that OSHI can't read is served with what the JVM says, and the scalar tier.
        LOG.log(System.Logger.Level.WARNING, "The processor could not be detected", e);
        return Processor.unknown();
      }
    }
  }

  /**
   * Looks at the machine now. What can't be found out is empty and named in the profile's warnings;
   * this method does not fail.
   *
   * <p>The first call of a process asks OSHI for the processor; later calls remember it. Memory,
   * limits and storage are looked at anew each time.
   *
   * @param storagePath where the experts are read from: a file, or a folder. If it does not exist,
   *     the nearest folder above it is looked at. To try direct reads, one block of the file is
   *     read, or of some file in the folder; an empty folder gets a temporary file for a moment
   */
  public static HardwareProfile detect(Path storagePath) {
    Runtime runtime = Runtime.getRuntime();
    long used = runtime.totalMemory() - runtime.freeMemory();
    Jvm jvm = new Jvm(runtime.availableProcessors(), runtime.maxMemory(), used);
    return new Detection(SystemFiles.ofThisMachine(), Memo.PROCESSOR, jvm)
        .detect(System.getProperty("os.arch", ""), storagePath);
  }
}
