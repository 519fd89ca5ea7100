package dev.warmgate.residency;

import dev.warmgate.residency.eviction.EvictionKind;

/**
 * How a cache reads, and what it evicts.
 *
 * @param ioThreads threads that read
 * @param readBytes size of one read; larger experts are read in several, side by side
 * @param direct whether to go around the page cache
 * @param eviction which expert makes room
 */
public record CacheSettings(int ioThreads, int readBytes, boolean direct, EvictionKind eviction) {}
