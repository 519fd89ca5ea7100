package dev.warmgate.host.triton;

import java.util.stream.Collectors;

/** What becomes, or was, a {@code TRITONSERVER_Error}: a code, and one line for people. */
final class TritonException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Triton's error codes. */
  enum Code {
    UNKNOWN(0),
    INTERNAL(1),
    NOT_FOUND(2),
    INVALID_ARG(3),
    UNAVAILABLE(4),
    UNSUPPORTED(5),
    ALREADY_EXISTS(6),
    CANCELLED(7);

    private final int number;

    Code(int number) {
      this.number = number;
    }

    /** Triton's number. */
    int number() {
      return number;
    }

    /** The code with a number of Triton's; unknown if there is none. */
    static Code of(int number) {
      for (Code code : values()) {
        if (code.number == number) {
          return code;
        }
      }
      return UNKNOWN;
    }
  }

  private final Code code;

  TritonException(Code code, String message) {
    super(message.lines().map(String::strip).collect(Collectors.joining(" ")));
    this.code = code;
  }

  /** What a request or a configuration has wrong. */
  @SuppressWarnings("AnnotateFormatMethod") // The annotation is in a library that we don't need.
  static TritonException invalid(String format, Object... arguments) {
    return new TritonException(Code.INVALID_ARG, format.formatted(arguments));
  }

  Code code() {
    return code;
  }
}
