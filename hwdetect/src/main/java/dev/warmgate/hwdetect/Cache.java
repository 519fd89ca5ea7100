package dev.warmgate.hwdetect;

/**
 * One kind of CPU cache. A machine has many caches of a kind; they are listed once.
 *
 * @param level 1 is nearest to the core
 * @param type what it holds: {@code data}, {@code instruction}, {@code unified} or {@code trace}
 * @param bytes size of one such cache
 * @param lineBytes size of its lines, 0 if unknown
 */
public record Cache(int level, String type, long bytes, int lineBytes) {}
