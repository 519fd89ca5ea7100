package dev.warmgate.kernels;

/**
 * Byte offsets of the C struct {@code wg_route} in warmgate_kernels.h, held to it as those of
 * {@link FfnLayout} are.
 */
final class RouteLayout {
  static final long EXPERTS = 0;
  static final long TOP_K = 4;
  static final long ALL = 8;
  static final long HIGHER_ID = 12;
  static final long POLICY = 16;
  static final long KEEP_TOP = 20;
  static final long MAX_RANK = 24;
  static final long RANGE_RATE = 28;
  static final long HELD = 32;
  static final long PUBLISHED = 40;
  static final long SIZE = 48;

  private RouteLayout() {}

  /** The number of {@code WG_ROUTE_<policy>}. */
  static int code(RoutePolicy policy) {
    return switch (policy) {
      case LOSSLESS -> 0;
      case ADDITIVE -> 1;
      case CACHE_PRIOR -> 2;
      case MAX_RANK -> 3;
    };
  }
}
