package dev.warmgate.hwdetect;

import static dev.warmgate.hwdetect.Machines.direct;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.warmgate.kernels.Availability;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class PlannerIoTest {

  private static Plan plan(Storage storage, OptionalInt ioThreads) {
    return Planner.plan(
        Machines.with(storage),
        new PlanRequest(Optional.empty(), OptionalInt.empty(), ioThreads),
        tier -> new Availability.Available());
  }

  private static Plan plan(Storage storage) {
    return plan(storage, OptionalInt.empty());
  }

  @ParameterizedTest
  @CsvSource({
    // kind, queue of the device (-1: unknown), threads, MiB of a read, direct
    "NVME,1023,8,1,true",
    "NVME,-1,8,1,true",
    "NVME,4,4,1,true",
    "SSD,64,4,1,true",
    "SSD,1,1,1,true",
    "VIRTUAL,256,4,1,true",
    "ROTATIONAL,128,2,4,true",
    "NETWORK,-1,4,1,true",
    "UNKNOWN,-1,4,1,true",
    "MEMORY,-1,2,1,false",
    "NVME,0,8,1,true"
  })
  void table(StorageKind kind, int queue, int threads, int mib, boolean directIo) {
    Plan plan = plan(Machines.storage(kind, direct(4096), 512, queue));
    assertEquals(threads, plan.ioThreads());
    assertEquals(threads, plan.queueDepth());
    assertEquals(mib << 20, plan.readBytes());
    assertEquals(directIo, plan.directIo());
    String reason = plan.decision("io_threads").orElseThrow().reason();
    assertTrue(reason.startsWith(kind.id() + " storage"), reason);
  }

  @ParameterizedTest
  @CsvSource({
    // alignment of direct reads, block of the device (-1: unknown), alignment of slots, direct
    "512,512,4096,true",
    "4096,4096,4096,true",
    "65536,4096,65536,true",
    "4096,16384,16384,true",
    "4096,-1,4096,true",
    "4096,0,4096,true",
    "4096,5000,4096,true",
    "4096,1073741824,4096,true",
    "1048576,512,1048576,true",
    "2097152,512,4096,false",
    "6000,512,4096,false",
    "0,512,4096,false",
    "-4096,512,4096,false"
  })
  void alignment(int wanted, int block, long alignment, boolean directIo) {
    Plan plan = plan(Machines.storage(StorageKind.NVME, direct(wanted), block, 64));
    assertEquals(alignment, plan.slotAlignment());
    assertEquals(directIo, plan.directIo());
    assertEquals(0, plan.readBytes() % plan.slotAlignment());
  }

  @ParameterizedTest
  @EnumSource(StorageKind.class)
  void withoutDirectReads(StorageKind kind) {
    DirectIo refused = new DirectIo(false, 0, "direct reads are refused: Invalid argument");
    Plan plan = plan(Machines.storage(kind, refused, 512, 64));
    assertEquals(
        Optional.of(new Decision("direct_io", "off", "direct reads are refused: Invalid argument")),
        plan.decision("direct_io"));
    assertEquals(4096, plan.slotAlignment());
  }

  @Test
  void theOptionDecides() {
    Plan plan = plan(Machines.storage(StorageKind.SSD, direct(4096), 512, 2), OptionalInt.of(32));
    assertEquals(32, plan.ioThreads());
    assertEquals(32, plan.queueDepth());
    assertEquals(
        Optional.of(new Decision("io_threads", "32", "option io_threads")),
        plan.decision("io_threads"));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, -1, 1025, Integer.MAX_VALUE, Integer.MIN_VALUE})
  void nonsense(int asked) {
    Storage storage = Machines.storage(StorageKind.SSD, direct(4096), 512, 2);
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> plan(storage, OptionalInt.of(asked)));
    assertEquals("option io_threads: " + asked + " is not between 1 and 1024", e.getMessage());
  }
}
