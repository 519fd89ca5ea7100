/**
 * One MoE layer's execution: route, lease, compute, release; and what a model's layers share.
 *
 * <p>Invariants: a slot is read only under a lease; the bits of a result don't depend on which
 * experts were resident, in how many waves they came, or on how many threads computed; once the
 * buffers have grown to the size of a call, a call on resident experts allocates nothing and takes
 * no lock.
 *
 * <p>Threading: a {@link dev.warmgate.expert.MoeLayer} may execute on any number of threads at
 * once.
 */
package dev.warmgate.expert;
