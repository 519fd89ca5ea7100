package dev.warmgate.residency;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ExpertFileTest {
  private static final int BLOCK = 4096;
  private static final byte GUARD = 0x5A;

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void everyReadGivesTheFilesBytesAndTouchesNothingElse(boolean direct) throws IOException {
    for (int seed = 1; seed <= 8; seed++) {
      Random random = new Random(seed);
      // Sizes around a multiple of the block, where the file's end is hardest.
      int size = BLOCK * (1 + random.nextInt(60)) + random.nextInt(3) - 1;
      byte[] content = new byte[size];
      random.nextBytes(content);
      Path path = Files.write(folder.resolve(direct + "-" + seed), content);
      try (ExpertFile file = ExpertFile.open(path, direct);
          Arena arena = Arena.ofConfined()) {
        assumeTrue(!direct || file.direct(), "no direct I/O in " + folder);
        for (int call = 0; call < 60; call++) {
          int offset = edge(random, size);
          int length = Math.min(edge(random, size), size - offset);
          int misalignment = random.nextBoolean() ? offset % BLOCK : edge(random, BLOCK);
          int blocks = 2 + random.nextInt(15);
          String what =
              "seed %d: %d bytes at %d of %d, to %d, bounce %d blocks"
                  .formatted(seed, length, offset, size, misalignment, blocks);
          MemorySegment memory = arena.allocate(length + 2L * BLOCK, BLOCK).fill(GUARD);
          MemorySegment target = memory.asSlice(misalignment, length);
          file.read(offset, target, arena.allocate((long) blocks * BLOCK, BLOCK));
          assertArrayEquals(
              Arrays.copyOfRange(content, offset, offset + length),
              target.toArray(ValueLayout.JAVA_BYTE),
              what);
          assertGuarded(memory.asSlice(0, misalignment), what);
          assertGuarded(memory.asSlice(misalignment + (long) length), what);
        }
      }
    }
  }

  /** Half of the time at or beside a block's edge. */
  private static int edge(Random random, int bound) {
    int any = random.nextInt(bound);
    return random.nextBoolean()
        ? any
        : Math.clamp(any / BLOCK * BLOCK + random.nextInt(3) - 1, 0, bound - 1);
  }

  private static void assertGuarded(MemorySegment memory, String what) {
    for (byte b : memory.toArray(ValueLayout.JAVA_BYTE)) {
      assertEquals(GUARD, b, what + ": wrote beside the target");
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void readingPastTheEndFails(boolean direct) throws IOException {
    Path path = Files.write(folder.resolve("short"), new byte[10_000]);
    try (ExpertFile file = ExpertFile.open(path, direct);
        Arena arena = Arena.ofConfined()) {
      MemorySegment bounce = arena.allocate(2 * BLOCK, BLOCK);
      MemorySegment target = arena.allocate(8192, BLOCK);
      for (long offset : new long[] {1809, 8192, 10_000, 1L << 40, Long.MAX_VALUE}) {
        IOException e =
            assertThrows(IOException.class, () -> file.read(offset, target, bounce), "" + offset);
        assertTrue(e.getMessage().contains(path + ": ends before offset " + offset), e.toString());
      }
      file.read(1808, target, bounce);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aFileCutAfterOpeningFails(boolean direct) throws IOException {
    Path path = Files.write(folder.resolve("cut"), new byte[3 * BLOCK]);
    try (ExpertFile file = ExpertFile.open(path, direct);
        Arena arena = Arena.ofConfined();
        FileChannel writer = FileChannel.open(path, StandardOpenOption.WRITE)) {
      MemorySegment bounce = arena.allocate(2 * BLOCK, BLOCK);
      for (int length : new int[] {3 * BLOCK - 1, 2 * BLOCK, BLOCK + 1, 1, 0}) {
        writer.truncate(length);
        for (int offset : new int[] {0, 1, BLOCK}) {
          MemorySegment target = arena.allocate(3L * BLOCK - offset, BLOCK);
          assertThrows(
              IOException.class,
              () -> file.read(offset, target, bounce),
              () -> "cut to " + length + ", from " + offset);
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void shortReadsAreContinued(boolean direct) throws IOException {
    byte[] content = new byte[5 * BLOCK + 77];
    new Random(3).nextBytes(content);
    Path path = Files.write(folder.resolve("whole"), content);
    // Around the page cache, a file system may only come short by whole blocks.
    int most = direct ? BLOCK : 1000;
    var opener = FaultySource.opener(FaultySource.Fault.shortReads(most));
    try (ExpertFile file = ExpertFile.open(path, direct, opener);
        Arena arena = Arena.ofConfined()) {
      MemorySegment target = arena.allocate(content.length, BLOCK);
      file.read(0, target, arena.allocate(2 * BLOCK, BLOCK));
      assertArrayEquals(content, target.toArray(ValueLayout.JAVA_BYTE));
    }
  }

  @Test
  void aFailedReadIsTold() throws IOException {
    Path path = Files.write(folder.resolve("bad"), new byte[BLOCK]);
    var opener =
        FaultySource.opener(
            (file, name, target, position) -> {
              throw new IOException("bad sector in " + name.getFileName());
            });
    try (ExpertFile file = ExpertFile.open(path, false, opener);
        Arena arena = Arena.ofConfined()) {
      MemorySegment target = arena.allocate(BLOCK, BLOCK);
      IOException e = assertThrows(IOException.class, () -> file.read(0, target, target));
      assertEquals("bad sector in bad", e.getMessage());
    }
  }

  @Test
  void aRegionMustLieInTheFile() throws IOException {
    Path path = Files.write(folder.resolve("regions"), new byte[1000]);
    try (ExpertFile file = ExpertFile.open(path, false)) {
      file.requireRegion("layer", new FileRegion(path, 0, 1000));
      file.requireRegion("layer", new FileRegion(path, 1000, 0));
      IOException e =
          assertThrows(
              IOException.class, () -> file.requireRegion("moe_7", new FileRegion(path, 990, 11)));
      assertEquals(
          "moe_7: %s has 1000 bytes, but the model's tensor lies at offset 990 and has 11"
              .formatted(path),
          e.getMessage());
    }
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void withoutDirectIoItReadsThroughThePageCache() throws IOException {
    // The proc file system refuses O_DIRECT.
    try (ExpertFile file = ExpertFile.open(Path.of("/proc/self/status"), true)) {
      assertFalse(file.direct());
    }
  }

  @Test
  void aMissingFileIsNamed() {
    Path missing = folder.resolve("missing.bin");
    IOException e = assertThrows(IOException.class, () -> ExpertFile.open(missing, false));
    assertTrue(e.getMessage().contains("missing.bin"), e.toString());
  }
}
