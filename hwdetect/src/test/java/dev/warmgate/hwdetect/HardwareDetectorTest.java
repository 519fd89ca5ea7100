package dev.warmgate.hwdetect;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warmgate.kernels.Kernels;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** On the machine at hand. */
class HardwareDetectorTest {

  @TempDir Path folder;

  @Test
  void aSaneProfile() {
    HardwareProfile profile = HardwareDetector.detect(folder);
    String text = profile.toString();
    Cores cores = profile.cpu().cores();
    assertNotEquals(Arch.OTHER, profile.cpu().arch(), text);
    assertFalse(profile.cpu().features().isEmpty(), text);
    assertFalse(profile.cpu().model().isEmpty(), text);
    assertTrue(cores.physical() >= 1 && cores.physical() <= cores.logical(), text);
    assertTrue(cores.usablePhysical() >= 1 && cores.usableLogical() <= cores.logical(), text);
    assertTrue(cores.usablePhysical() <= cores.usableLogical(), text);
    long total = profile.memory().totalBytes().orElseThrow();
    long available = profile.memory().availableBytes().orElseThrow();
    assertTrue(0 < available && available <= total, text);
    assertFalse(profile.storage().fileSystem().isEmpty(), text);
    assertTrue(profile.storage().freeBytes().orElseThrow() > 0, text);
    assertTrue(profile.jvm().processors() >= 1 && profile.jvm().heapMaxBytes() > 0, text);
  }

  @Test
  void aPlanThatRunsHere() {
    Plan plan =
        Planner.plan(HardwareDetector.detect(folder), PlanRequest.none(), Kernels::availability);
    assertTrue(Kernels.availability(plan.tier()).isAvailable(), plan.toString());
    assertTrue(plan.threads() >= 1 && plan.ioThreads() >= 1, plan.toString());
    assertTrue(plan.expertMemoryBytes() > 0, plan.toString());
  }

  @Test
  void aPathThatIsNotThere() {
    HardwareProfile profile = HardwareDetector.detect(folder.resolve("not/there"));
    assertTrue(Files.isDirectory(profile.storage().path()), profile.toString());
    assertEquals(
        1,
        profile.warnings().stream().filter(line -> line.contains("does not exist")).count(),
        profile.toString());
  }
}
