package dev.warmgate.triton;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.tritonserver.global.tritonserver;
import org.junit.jupiter.api.Test;

/**
 * The backend's signatures of the core's functions against those that JavaCPP's parser read from
 * the core's headers. A wrong one would read a number as a pointer.
 */
class BindingAuditTest {
  @Test
  void everySignatureIsThatOfTheHeader() throws Exception {
    Map<String, List<String>> headers = headers();
    Map<String, String> wrong = new TreeMap<>();
    Map<String, FunctionDescriptor> ours = descriptors();
    assertTrue(ours.size() > 40, ours.keySet().toString());
    ours.forEach(
        (name, descriptor) -> {
          String signature = signature(descriptor);
          List<String> known = headers.getOrDefault(name, List.of());
          if (!known.contains(signature)) {
            wrong.put(name, signature + " is none of " + known);
          }
        });
    assertEquals(Map.of(), wrong);
  }

  /** That a wrong one is found. */
  @Test
  void aNumberIsNoPointer() {
    List<String> known = headers().get("TRITONBACKEND_RequestInputByIndex");
    assertTrue(known.contains("8:8 4 8"), known.toString());
    assertFalse(known.contains("8:8 8 8"), known.toString());
  }

  private static Map<String, FunctionDescriptor> descriptors() throws Exception {
    Loader.load(tritonserver.class); // the core, in which the class looks for its functions
    Path backend = Suite.backends().resolve("warmgate");
    try (Stream<Path> libraries = Files.list(backend.resolve("lib"));
        URLClassLoader loader =
            new URLClassLoader(
                Stream.concat(Stream.of(backend.resolve("warmgate.jar")), libraries)
                    .map(BindingAuditTest::url)
                    .toArray(URL[]::new),
                ClassLoader.getPlatformClassLoader())) {
      Method method =
          Class.forName("dev.warmgate.host.triton.Core", true, loader)
              .getDeclaredMethod("descriptors");
      method.setAccessible(true);
      @SuppressWarnings("unchecked")
      var descriptors = (Map<String, FunctionDescriptor>) method.invoke(null);
      return descriptors;
    }
  }

  private static URL url(Path file) {
    try {
      return file.toUri().toURL();
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Result and parameters as bytes each; doubles as D. */
  private static String signature(FunctionDescriptor descriptor) {
    List<String> parameters =
        descriptor.argumentLayouts().stream().map(BindingAuditTest::size).toList();
    return descriptor.returnLayout().map(BindingAuditTest::size).orElse("0")
        + ":"
        + String.join(" ", parameters);
  }

  private static String size(MemoryLayout layout) {
    return layout.equals(java.lang.foreign.ValueLayout.JAVA_DOUBLE)
        ? "D"
        : Long.toString(layout.byteSize());
  }

  private static Map<String, List<String>> headers() {
    Map<String, List<String>> signatures = new TreeMap<>();
    for (Method method : tritonserver.class.getMethods()) {
      if (method.getName().startsWith("TRITON")) {
        List<String> parameters =
            Arrays.stream(method.getParameterTypes()).map(BindingAuditTest::size).toList();
        signatures
            .computeIfAbsent(method.getName(), _ -> new ArrayList<>())
            .add(size(method.getReturnType()) + ":" + String.join(" ", parameters));
      }
    }
    return signatures;
  }

  private static String size(Class<?> type) {
    if (type == void.class) {
      return "0";
    }
    if (type == boolean.class) {
      return "1";
    }
    if (type == int.class) {
      return "4";
    }
    return type == double.class ? "D" : "8"; // long, or anything that stands for a pointer
  }
}
