package dev.warmgate.hwdetect;

/** What a file system stands on, as far as it matters for reading. */
public enum StorageKind {
  /** A flash disk on PCIe: many reads at once. */
  NVME("nvme"),
  /** A flash disk behind SATA, SAS or SD. */
  SSD("ssd"),
  /** A disk that a hypervisor shows; what is behind it is not known. */
  VIRTUAL("virtual"),
  /** A disk that seeks. */
  ROTATIONAL("rotational"),
  /** Memory, for example tmpfs. */
  MEMORY("memory"),
  /** A file server or the hypervisor's host. */
  NETWORK("network"),
  /** Not found out, for example under a container's overlay. */
  UNKNOWN("unknown");

  private final String id;

  StorageKind(String id) {
    this.id = id;
  }

  /** The name in texts and JSON. */
  public String id() {
    return id;
  }
}
