package dev.warmgate.hwdetect.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ParsersTest {

  @ParameterizedTest
  @CsvSource({
    "0,0",
    "' 12 ',12",
    "9223372036854775807,9223372036854775807",
    "18446744073709551615,9223372036854775807"
  })
  void numbers(String text, long expected) {
    assertEquals(OptionalLong.of(expected), Numbers.parse(text));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", " ", "-1", "+1", "max", "1.5", "0x10", "1 2", "123456789012345678901"})
  void notNumbers(String text) {
    assertEquals(OptionalLong.empty(), Numbers.parse(text));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"max", "-1", "9223372036854771712", "9223372036854710272", "18446744073709551615"})
  void noLimits(String text) {
    assertEquals(OptionalLong.empty(), Numbers.parseLimit(text));
  }

  @Test
  void limits() {
    assertEquals(OptionalLong.of(0), Numbers.parseLimit("0"));
    assertEquals(OptionalLong.of(536870912), Numbers.parseLimit("536870912"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {"0|0", "0-3|0 1 2 3", "0-1,8,10-11|0 1 8 10 11", "7,3,3|3 7", "0-1,x,4|0 1 4"})
  void cpuLists(String text, String expected) {
    String found = String.join(" ", CpuList.parse(text).stream().map(String::valueOf).toList());
    assertEquals(expected, found);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "-", "3-1", "a-b", "0-99999999999", "0-65536", "-3"})
  void notCpuLists(String text) {
    assertEquals(List.of(), CpuList.parse(text));
  }

  @Test
  void featuresAreThoseOfAllCores() {
    assertEquals(
        Set.of("asimd", "fp"),
        FeatureFlags.parse(
            List.of("Features\t: fp asimd asimddp", "CPU part\t: 0xd0c", "Features\t: fp asimd")));
    assertEquals(Set.of("avx2", "fma"), FeatureFlags.parse(List.of("flags\t\t:  fma   avx2 ")));
  }

  @Test
  void linesOfOtherKeysAreNoFeatures() {
    assertEquals(
        Set.of(),
        FeatureFlags.parse(
            List.of("vmx flags\t: vnmi", "bugs\t: spectre_v1", "flags", ": avx2", "", "flags:")));
  }

  @ParameterizedTest
  @CsvSource({
    "50000 100000,0.5",
    "150000 100000,1.5",
    "9223372036854775807 1,9.223372036854775807E18"
  })
  void quotas(String text, double expected) {
    assertEquals(Optional.of(expected), CpuQuota.parse(text));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "max 100000", "-1 100000", "0 100000", "100 0", "5", "a b", "1 2 3"})
  void noQuotas(String text) {
    assertEquals(Optional.empty(), CpuQuota.parse(text));
  }

  @Test
  void keyedSizes() {
    KeyedSizes sizes =
        KeyedSizes.parse(
            List.of(
                "MemTotal:       24684092 kB",
                "HugePages_Total:       7",
                "Node 0 MemFree:         3723900 kB",
                "inactive_file 401797120",
                "Broken:",
                "Odd: many kB",
                "Huge: 9223372036854775807 kB",
                "Node",
                ""));
    assertEquals(OptionalLong.of(24684092L << 10), sizes.get("MemTotal"));
    assertEquals(OptionalLong.of(7), sizes.get("HugePages_Total"));
    assertEquals(OptionalLong.of(3723900L << 10), sizes.get("MemFree"));
    assertEquals(OptionalLong.of(401797120), sizes.get("inactive_file"));
    for (String absent : List.of("Broken", "Odd", "Huge", "Node", "")) {
      assertEquals(OptionalLong.empty(), sizes.get(absent), absent);
    }
  }

  @Test
  void cgroupEntries() {
    List<CgroupEntry> entries =
        CgroupEntry.parse(
            List.of(
                "11:memory:/docker/4f6d",
                "4:cpu,cpuacct:/with:colon",
                "1:name=systemd:/",
                "0::/user.slice",
                "0:memory:/version-2-has-no-controllers",
                "9::/version-1-has-some",
                "3:memory:relative",
                "x:memory:/a",
                "nonsense"));
    assertEquals(
        List.of(
            new CgroupEntry(Set.of("memory"), "/docker/4f6d"),
            new CgroupEntry(Set.of("cpu", "cpuacct"), "/with:colon"),
            new CgroupEntry(Set.of("name=systemd"), "/"),
            new CgroupEntry(Set.of(), "/user.slice")),
        entries);
    assertTrue(entries.get(3).unified());
  }

  @Test
  void softLimits() {
    List<String> lines =
        List.of(
            "Limit                     Soft Limit           Hard Limit           Units     ",
            "Max data size             unlimited            unlimited            bytes     ",
            "Max address space         17179869184          unlimited            bytes     ");
    assertEquals(OptionalLong.of(17179869184L), ProcessLimits.soft("Max address space", lines));
    assertEquals(OptionalLong.empty(), ProcessLimits.soft("Max data size", lines));
    assertEquals(OptionalLong.empty(), ProcessLimits.soft("Max locked memory", lines));
    assertEquals(OptionalLong.empty(), ProcessLimits.soft("Max x", List.of("Max x ")));
  }

  @Test
  void names() {
    assertEquals(
        new CpuName("AuthenticAMD", "AMD EPYC: 7B13"),
        CpuName.parse(
            List.of(
                "vendor_id\t: AuthenticAMD",
                "model\t\t: 2",
                "model name\t: AMD EPYC: 7B13",
                "model name\t: of another")));
    assertEquals(
        new CpuName("ARM", "Neoverse-N1"),
        CpuName.parse(List.of("CPU implementer\t: 0x41", "CPU part\t: 0xd0c")));
    assertEquals(
        new CpuName("Ampere", "Ampere part 0xac3"),
        CpuName.parse(List.of("CPU implementer\t: 0xC0", "CPU part\t: 0xac3")));
    assertEquals(
        new CpuName("implementer 0x99", "implementer 0x99 part "),
        CpuName.parse(List.of("CPU implementer\t: 0x99")));
    assertEquals(new CpuName("", ""), CpuName.parse(List.of("", ":", "x")));
  }
}
