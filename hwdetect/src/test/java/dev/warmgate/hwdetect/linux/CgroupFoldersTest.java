package dev.warmgate.hwdetect.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CgroupFoldersTest {

  @ParameterizedTest
  @CsvSource({
    "/,/a/b,/a/b", // a host
    "/docker/1,/docker/1,/", // a container that sees its own group as the top
    "/docker/1,/docker/1/sub,/sub",
    "/docker/1,/docker/12,/", // another's group: nothing of ours is visible below the mount
    "/,/,/", // a namespace of its own
    "/,/../other,/", // moved out of its namespace
    "/,/a/..,/",
    "/,/a/,/a"
  })
  void theGroupBelowTheMount(String root, String group, String expected) {
    List<Mount> mounts =
        Mount.parse(List.of("1 2 0:9 " + root + " /cg rw - cgroup2 cgroup2 rw,nsdelegate"));
    List<CgroupEntry> entries = CgroupEntry.parse(List.of("0::" + group));
    assertEquals(
        Optional.of(new CgroupFolders(2, "/cg", expected)), CgroupFolders.v2(entries, mounts));
  }

  @Test
  void ofSeveralMountsTheOneThatShowsTheGroup() {
    List<Mount> mounts =
        Mount.parse(
            List.of(
                "1 2 0:9 /other /cg/1 rw - cgroup cgroup rw,memory",
                "1 2 0:9 /mine /cg/2 rw - cgroup cgroup rw,memory"));
    List<CgroupEntry> entries = CgroupEntry.parse(List.of("4:memory:/mine/x"));
    assertEquals(
        Optional.of(new CgroupFolders(1, "/cg/2", "/x")),
        CgroupFolders.v1("memory", entries, mounts));
    assertEquals(Optional.empty(), CgroupFolders.v1("cpu", entries, mounts));
    assertEquals(Optional.empty(), CgroupFolders.v2(entries, mounts));
  }

  @Test
  void groupsAndTheirFiles() {
    CgroupFolders folders = new CgroupFolders(2, "/cg", "/a/b");
    assertEquals(List.of("/a/b", "/a", "/"), folders.groups());
    assertEquals("/cg/a/b/memory.max", folders.file("/a/b", "memory.max"));
    assertEquals("/cg/memory.max", folders.file("/", "memory.max"));
    assertEquals(List.of("/"), new CgroupFolders(2, "/cg", "/").groups());
  }
}
