/**
 * The tokenizer of the example model, and of every model that comes with a {@code tokenizer.json}.
 *
 * <p>It stands apart from the plugin, so that a host which has its own tokenizer carries none of
 * it. It is found by {@link java.util.ServiceLoader}, on the class path as well as on the module
 * path. Its native library is inside the library's jar; nothing is ever downloaded.
 *
 * <p>Threading: tokenizers may be used from many threads at once.
 */
package dev.warmgate.examples;
