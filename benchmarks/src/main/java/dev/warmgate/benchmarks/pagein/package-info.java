/**
 * Page-in, measured: how fast experts come from a file into slots, beside how fast {@code dd} reads
 * the same bytes around the page cache.
 *
 * <p>Both sides read everything once and take turns within one run, because disks, and those of
 * virtual machines more than others, are not as fast now as they were a minute ago.
 */
package dev.warmgate.benchmarks.pagein;
