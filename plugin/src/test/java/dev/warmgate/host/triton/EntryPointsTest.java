package dev.warmgate.host.triton;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.warmgate.host.triton.TritonException.Code;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.util.List;
import org.junit.jupiter.api.Test;

class EntryPointsTest {
  /** Triton's errors are made of C strings: without a text, the upcall itself would fail. */
  @Test
  void whatHasNoWordsIsToldAllTheSame() {
    for (Exception failure :
        List.of(
            new IOException(),
            new ClosedChannelException(),
            new IllegalArgumentException(),
            new IllegalStateException())) {
      TritonException told = EntryPoints.explain("execute", failure);
      assertEquals(failure.getClass().getSimpleName(), told.getMessage());
      assertEquals(
          failure instanceof IllegalStateException ? Code.INTERNAL : Code.INVALID_ARG, told.code());
    }
  }
}
