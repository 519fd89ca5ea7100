/**
 * The session options: one set of names, one parser, whoever the host is.
 *
 * <p>Everything here is immutable.
 */
package dev.warmgate.config;
