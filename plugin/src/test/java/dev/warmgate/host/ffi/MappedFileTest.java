package dev.warmgate.host.ffi;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whose bytes are at an address. */
class MappedFileTest {
  private static final Linker LINKER = Linker.nativeLinker();
  private static final int BYTES = 4096;

  @TempDir Path folder;

  @Test
  void findsAFileWhateverItsNameIs() throws IOException {
    Charset names = Charset.forName(System.getProperty("sun.jnu.encoding"));
    for (String name : new String[] {"a model.onnx", "modèle  専門家.experts"}) {
      if (!names.newEncoder().canEncode(name)) {
        continue; // Such a file can't be made in this locale.
      }
      Path file = Files.write(folder.resolve(name), new byte[BYTES]);
      try (FileChannel channel = FileChannel.open(file);
          Arena arena = Arena.ofConfined()) {
        MemorySegment mapped = channel.map(MapMode.READ_ONLY, 0, BYTES, arena);
        assertEquals(Optional.of(file), MappedFile.at(mapped.address() + BYTES - 1));
      }
    }
    assertEquals(Optional.empty(), MappedFile.at(MemorySegment.NULL.address()));
  }

  /** Java can't make a file whose name is no text, but a host may have mapped one. */
  @Test
  void findsAFileBesideOneWhoseNameIsNoText() throws Throwable {
    try (Arena arena = Arena.ofConfined()) {
      byte[] name = (folder + "/mod\u00e8le").getBytes(StandardCharsets.ISO_8859_1);
      MemorySegment path = arena.allocate(name.length + 1L);
      path.copyFrom(MemorySegment.ofArray(name));
      int readWriteCreate = 0102;
      int file =
          (int)
              c("open", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_INT), 2)
                  .invokeExact(path.address(), readWriteCreate, 0600);
      int readShared = 1;
      MethodHandle map =
          c(
              "mmap",
              FunctionDescriptor.of(
                  JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));
      long mapped = (long) map.invokeExact(0L, (long) BYTES, readShared, readShared, file, 0L);
      assertNotEquals(-1, mapped);
      try {
        findsAFileWhateverItsNameIs();
      } finally {
        int _ =
            (int)
                c("munmap", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG))
                    .invokeExact(mapped, (long) BYTES);
        int _ = (int) c("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT)).invokeExact(file);
        int _ =
            (int)
                c("unlink", FunctionDescriptor.of(JAVA_INT, JAVA_LONG)).invokeExact(path.address());
      }
    }
  }

  private static MethodHandle c(String name, FunctionDescriptor descriptor) {
    return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(name), descriptor);
  }

  private static MethodHandle c(String name, FunctionDescriptor descriptor, int firstVariadic) {
    return LINKER.downcallHandle(
        LINKER.defaultLookup().findOrThrow(name),
        descriptor,
        Linker.Option.firstVariadicArg(firstVariadic));
  }
}
