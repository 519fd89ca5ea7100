/**
 * C memory and C functions, as the hosts need them: pointers are plain longs.
 *
 * <p>Invariants: nothing here owns memory but {@link dev.warmgate.host.ffi.CallMemory}, whose
 * content lasts for one call of one thread. Who passes an address says why it is valid: it was just
 * handed over by the host, or it is in an arena that stays open until the call returns.
 *
 * <p>Threading: stateless, but for {@link dev.warmgate.host.ffi.OrtLibrary}, which is written
 * before it is read, and {@link dev.warmgate.host.ffi.CallMemory}, which each thread has its own
 * of.
 */
package dev.warmgate.host.ffi;
