package dev.warmgate.residency;

/**
 * How a cache reads.
 *
 * @param ioThreads threads that read
 * @param readBytes size of one read; larger experts are read in several, side by side
 * @param direct whether to go around the page cache
 */
public record CacheSettings(int ioThreads, int readBytes, boolean direct) {}
