/**
 * The format of an expert store: a file that holds experts side by side, each as its slot will, at
 * whole blocks and with a checksum.
 *
 * <p>This package knows only bytes; {@code repack} writes stores, {@code residency} reads them. A
 * header is believed once its checksum fits, and its sizes only as far as the file reaches: no
 * length in it leads to more memory than the header's own bytes.
 *
 * <p>All types are immutable and may be shared between threads.
 */
package dev.warmgate.residency.store;
