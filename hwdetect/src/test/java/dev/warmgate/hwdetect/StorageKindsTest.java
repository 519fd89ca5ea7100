package dev.warmgate.hwdetect;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.warmgate.hwdetect.linux.Disk;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StorageKindsTest {

  @ParameterizedTest
  @CsvSource({
    // file system, disk, what it is built of, whether it turns (x: not known), kind
    "ext4,nvme0n1,nvme0n1,0,NVME",
    "ext4,nvme0n1,nvme0n1,x,NVME",
    "xfs,dm-0,nvme0n1p2 nvme1n1,0,NVME",
    "xfs,md0,nvme0n1 sda,0,SSD",
    "xfs,md0,vda vdb,1,VIRTUAL",
    "ext4,vda,vda,1,VIRTUAL",
    "ext4,xvda,xvda,0,VIRTUAL",
    "ext4,sda,sda,0,SSD",
    "ext4,sda,sda,1,ROTATIONAL",
    "ext4,sda,sda,x,UNKNOWN",
    "ext4,mmcblk0,mmcblk0,0,SSD",
    "squashfs,loop3,loop3,0,UNKNOWN",
    "ext4,zram0,zram0,0,MEMORY",
    "ext4,pmem0,pmem0,0,MEMORY",
    "tmpfs,'','',x,MEMORY",
    "nfs4,'','',x,NETWORK",
    "fuse.sshfs,'','',x,NETWORK",
    "9p,'','',x,NETWORK",
    "virtiofs,'','',x,NETWORK",
    "overlay,'','',x,UNKNOWN",
    "'','','',x,UNKNOWN"
  })
  void table(String fileSystem, String name, String bases, String turns, StorageKind kind) {
    Disk disk =
        new Disk(
            name,
            List.of(bases.split(" ", -1)),
            turns.equals("x") ? Optional.empty() : Optional.of(turns.equals("1")),
            OptionalInt.empty(),
            OptionalInt.empty());
    StorageKinds.Verdict verdict =
        StorageKinds.of(fileSystem, name.isEmpty() ? Optional.empty() : Optional.of(disk));
    assertEquals(kind, verdict.kind());
    assertFalse(verdict.reason().isBlank());
  }
}
