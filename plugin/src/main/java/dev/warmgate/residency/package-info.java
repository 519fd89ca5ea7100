/**
 * Which experts are in memory: where they are on disk, the slots that hold them, and who may read a
 * slot when.
 *
 * <p>Invariants:
 *
 * <ul>
 *   <li>The slots of a cache never take more than its budget; nothing here grows.
 *   <li>A slot is in one state: free, loading, resident with a number of leases, or failed. Only a
 *       resident slot without leases is ever evicted.
 *   <li>Bytes that come from an expert store are checked before anybody may read them.
 *   <li>The residency mask of a layer has the bit of an expert set while the expert is resident. A
 *       reader without a lease may see it change a moment later.
 *   <li>A thread that holds a lease never waits for a slot, only for reads that are under way; so
 *       leases always come back, and a cache of one slot serves any number of threads.
 * </ul>
 *
 * <p>Threading: every public method may be called from any thread, save that a {@link
 * dev.warmgate.residency.LeaseSet} belongs to one thread at a time. Leasing a resident expert takes
 * no lock. Reads happen on the pager's threads.
 */
package dev.warmgate.residency;
