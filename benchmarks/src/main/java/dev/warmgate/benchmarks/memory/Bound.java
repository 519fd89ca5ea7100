package dev.warmgate.benchmarks.memory;

/**
 * What no engine can beat that has so many slots: the reads of a cache that knows the future, at
 * the disk's own speed.
 *
 * @param percent of the model that the whole process may take
 * @param slots experts that fit
 * @param readPerToken bytes
 * @param tokensPerSecond infinite, if nothing is read
 */
record Bound(int percent, int slots, double readPerToken, double tokensPerSecond) {}
