package dev.warmgate.onnx;

/**
 * The offset of a tensor that lies in an expert store, as a repacked model has it.
 *
 * <p>In a store, an expert's parts lie side by side and a tensor's experts don't, so there is no
 * offset at which the tensor could be read. The model names one that no file reaches instead: it
 * tells the store, which tensor it means and which store it was made with; and whoever takes it for
 * a place in the file reads past the end, and fails rather than computes with something else.
 */
public final class StoreOffset {
  /** Below it are places in files: no file system has files of 2 EiB. */
  private static final int FIRST_BIT = 61;

  private static final int TENSOR_BITS = 32;
  private static final long ID_MASK = (1L << 29) - 1;

  private StoreOffset() {}

  /**
   * The offset of a store's {@code tensor}-th tensor.
   *
   * @param storeId of which the lower 29 bits are kept
   */
  public static long of(long storeId, int tensor) {
    return 1L << FIRST_BIT | (storeId & ID_MASK) << TENSOR_BITS | tensor;
  }

  /** Whether an offset is such a one. */
  public static boolean isOne(long offset) {
    return offset >>> FIRST_BIT == 1;
  }

  /** Whether it was made for the store of that id. */
  public static boolean belongsTo(long offset, long storeId) {
    return ((offset ^ of(storeId, 0)) & ~0xFFFF_FFFFL) == 0;
  }

  /** Which tensor of the store it means; a negative number is none. */
  public static int tensor(long offset) {
    return (int) offset;
  }
}
