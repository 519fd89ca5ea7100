package dev.warmgate.failure;

import java.nio.channels.ClosedByInterruptException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.Locale;

/**
 * What a host or a user is told of a failure. Many of Java's own exceptions have no words, or only
 * a path.
 */
public final class FailureText {
  private FailureText() {}

  /** One line; never null and never empty. */
  public static String of(Throwable failure) {
    String message = failure.getMessage();
    String text =
        switch (failure) {
          case ClosedByInterruptException _ -> "the thread was interrupted while it read a file";
          case FileSystemException file when file.getReason() == null ->
              message + ": " + reason(file);
          default ->
              message == null || message.isBlank()
                  ? failure.getClass().getSimpleName()
                  : message.strip();
        };
    return text.replaceAll("\\s*\\R\\s*", "; ");
  }

  private static String reason(FileSystemException failure) {
    return switch (failure) {
      case NoSuchFileException _ -> "no such file";
      case AccessDeniedException _ -> "permission denied";
      case FileAlreadyExistsException _ -> "exists already";
      default ->
          failure
              .getClass()
              .getSimpleName()
              .replace("Exception", "")
              .replaceAll("(?<=.)(?=[A-Z])", " ")
              .toLowerCase(Locale.ROOT);
    };
  }
}
