package dev.warmgate.repack;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * A folder that appears whole or not at all: it is filled under another name, beside where it is to
 * be.
 *
 * <p>What a killed process leaves is that other folder. The next run with the same target clears
 * it; a lock tells it from that of a run which is still at work.
 */
final class Staging implements AutoCloseable {
  private final Path target;
  private final Path folder;
  private final Path lockFile;
  private final FileChannel lockChannel;
  private boolean committed;

  private Staging(Path target, Path folder, Path lockFile, FileChannel lockChannel) {
    this.target = target;
    this.folder = folder;
    this.lockFile = lockFile;
    this.lockChannel = lockChannel;
  }

  /**
   * Makes an empty folder beside the target.
   *
   * @throws IOException if another process fills it at this moment, or it can't be made
   */
  static Staging open(Path target) throws IOException {
    Path parent = target.getParent();
    if (parent == null) {
      throw new IOException(target + ": no place for a model");
    }
    Files.createDirectories(parent);
    Path folder = target.resolveSibling(target.getFileName() + ".partial");
    Path lockFile = target.resolveSibling(target.getFileName() + ".lock");
    FileChannel channel =
        FileChannel.open(lockFile, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    Staging staging = new Staging(target, folder, lockFile, channel);
    try {
      if (!lock(channel)) {
        throw new IOException(target + ": another repack is writing it");
      }
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
    try {
      delete(folder);
      Files.createDirectory(folder);
      return staging;
    } catch (IOException | RuntimeException e) {
      staging.close();
      throw e;
    }
  }

  private static boolean lock(FileChannel channel) throws IOException {
    try {
      FileLock lock = channel.tryLock();
      return lock != null;
    } catch (OverlappingFileLockException e) {
      return false;
    }
  }

  /** Where to write. */
  Path folder() {
    return folder;
  }

  /** Puts the folder in its place, in place of what is there. Its files are on the disk already. */
  void commit() throws IOException {
    force(folder);
    Path old = target.resolveSibling(target.getFileName() + ".old");
    boolean replaces = Files.exists(target);
    if (replaces) {
      delete(old);
      move(target, old);
    }
    try {
      move(folder, target);
    } catch (IOException e) {
      if (replaces) {
        move(old, target);
      }
      throw e;
    }
    committed = true;
    force(target.getParent());
    delete(old);
  }

  private static void move(Path from, Path to) throws IOException {
    try {
      Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
    } catch (AtomicMoveNotSupportedException e) {
      throw new IOException(to + ": can't be put in its place: " + e.getReason(), e);
    }
  }

  /** Makes a folder's names last: a rename is only kept once the folder is on the disk. */
  private static void force(Path directory) throws IOException {
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  /** Deletes a folder with all that is in it, if there is one; links are not followed. */
  private static void delete(Path directory) throws IOException {
    if (!Files.exists(directory)) {
      return;
    }
    List<Path> paths;
    try (Stream<Path> walk = Files.walk(directory)) {
      paths = walk.sorted(Comparator.reverseOrder()).toList();
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
    for (Path path : paths) {
      Files.deleteIfExists(path);
    }
  }

  /** Deletes what was not put in place. */
  @Override
  public void close() throws IOException {
    try (lockChannel) {
      if (!committed) {
        delete(folder);
      }
      Files.deleteIfExists(lockFile);
    }
  }
}
