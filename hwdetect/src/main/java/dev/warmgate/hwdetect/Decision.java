package dev.warmgate.hwdetect;

/**
 * One choice of a plan and why it was made.
 *
 * @param name what was decided, for example {@code tier}
 * @param value what came out
 * @param reason one line for people
 */
public record Decision(String name, String value, String reason) {}
