/**
 * C memory and C functions, as the hosts need them: pointers are plain longs.
 *
 * <p>Invariants: nothing here owns memory. Who passes an address says why it is valid: it was just
 * handed over by the host, or it is in an arena that stays open until the call returns.
 *
 * <p>Threading: stateless, but for {@link dev.warmgate.host.ffi.OrtLibrary}, which is written
 * before it is read.
 */
package dev.warmgate.host.ffi;
