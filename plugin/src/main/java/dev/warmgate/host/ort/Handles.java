package dev.warmgate.host.ort;

import java.util.Arrays;

/**
 * Objects that C code refers to by a pointer, which is a number here. Reading takes no lock and
 * makes no object.
 *
 * @param <T> what is referred to
 */
final class Handles<T> {
  private volatile Object[] objects = new Object[0];

  /** A handle for an object; never 0. */
  synchronized long add(T object) {
    Object[] old = objects;
    int free = Arrays.asList(old).indexOf(null);
    int index = free < 0 ? old.length : free;
    Object[] copy = Arrays.copyOf(old, Math.max(old.length, index + 1));
    copy[index] = object;
    objects = copy;
    return index + 1L;
  }

  /** The object of a handle. */
  @SuppressWarnings("unchecked") // Only add puts objects there.
  T get(long handle) {
    return (T) objects[(int) handle - 1];
  }

  /** Forgets a handle; returns what it referred to. */
  synchronized T remove(long handle) {
    T removed = get(handle);
    Object[] copy = objects.clone();
    copy[(int) handle - 1] = null;
    objects = copy;
    return removed;
  }
}
