/**
 * The texts in which Linux describes itself: parsers of {@code /proc} and {@code /sys}.
 *
 * <p>Invariants: a parser takes lines and gives values; it opens nothing, keeps nothing and never
 * throws at bad text: what it does not understand is absent from its result. All reading goes
 * through {@link dev.warmgate.hwdetect.linux.SystemFiles}, whose root may be a folder of captured
 * files. Classes ending in {@code Reader} join the two. Everything is immutable and safe to share
 * between threads.
 */
package dev.warmgate.hwdetect.linux;
