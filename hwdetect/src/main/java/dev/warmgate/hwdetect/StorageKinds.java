package dev.warmgate.hwdetect;

import dev.warmgate.hwdetect.linux.Disk;
import java.util.Optional;
import java.util.Set;

/** Tells what a file system stands on. */
final class StorageKinds {

  private static final Set<String> IN_MEMORY = Set.of("tmpfs", "ramfs", "hugetlbfs", "devtmpfs");
  private static final Set<String> REMOTE =
      Set.of(
          "9p",
          "afs",
          "beegfs",
          "ceph",
          "cifs",
          "gpfs",
          "lustre",
          "nfs",
          "nfs4",
          "smb3",
          "smbfs",
          "virtiofs");

  private StorageKinds() {}

  /** A kind, and how it was found out. */
  record Verdict(StorageKind kind, String reason) {}

  static Verdict of(String fileSystem, Optional<Disk> disk) {
    if (IN_MEMORY.contains(fileSystem)) {
      return new Verdict(StorageKind.MEMORY, "file system " + fileSystem);
    }
    if (REMOTE.contains(fileSystem) || fileSystem.startsWith("fuse.")) {
      return new Verdict(StorageKind.NETWORK, "file system " + fileSystem);
    }
    if (disk.isEmpty()) {
      return new Verdict(
          StorageKind.UNKNOWN,
          "no disk can be seen under " + (fileSystem.isEmpty() ? "the path" : fileSystem));
    }
    return of(disk.get());
  }

  private static Verdict of(Disk disk) {
    String title =
        disk.bases().contains(disk.name())
            ? "disk " + disk.name()
            : "disk " + disk.name() + " on " + String.join(", ", disk.bases());
    if (named(disk, "zram") || named(disk, "ram") || named(disk, "pmem")) {
      return new Verdict(StorageKind.MEMORY, title);
    }
    if (named(disk, "vd") || named(disk, "xvd")) {
      return new Verdict(
          StorageKind.VIRTUAL, title + " of a hypervisor, whose rotational flag tells nothing");
    }
    if (named(disk, "nvme")) {
      return new Verdict(StorageKind.NVME, title);
    }
    if (named(disk, "loop")) {
      return new Verdict(StorageKind.UNKNOWN, title + " is a file");
    }
    if (disk.rotational().isEmpty()) {
      return new Verdict(StorageKind.UNKNOWN, title + " does not say whether it turns");
    }
    if (disk.rotational().get()) {
      return new Verdict(StorageKind.ROTATIONAL, title + " turns");
    }
    return new Verdict(StorageKind.SSD, title + " does not turn");
  }

  /** Whether all disks beneath are of a driver, which shows in the name. */
  private static boolean named(Disk disk, String prefix) {
    return disk.bases().stream().allMatch(base -> base.startsWith(prefix));
  }
}
