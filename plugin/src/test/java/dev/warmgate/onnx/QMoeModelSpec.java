package dev.warmgate.onnx;

import java.util.Arrays;

/**
 * What a generated model with {@code QMoE} nodes, or with {@code MoE} nodes in fp16, is like;
 * {@link QMoeModels} writes it, {@link QMoeReference} computes it.
 *
 * <p>The model is the stack of {@link MoeModelSpec}, with other weights: {@code x = x + 0.5 *
 * QMoE(x)}. Sizes must be multiples of the weights in a byte. Of the routers, {@code GEMM} isn't
 * written.
 *
 * @param moe all that doesn't depend on how weights are stored; {@code EXTERNAL_ZEROS} isn't
 *     written
 * @param bits of a weight: 8, 4 or 2; 16 for an fp16 {@code MoE}
 * @param block weights that share a scale along a row; 0 if a row has one scale
 * @param zeroPoints whether zero points are stored
 * @param type of hidden states, logits, scales and biases: {@code FLOAT} or {@code FLOAT16}
 * @param routerWeights whether combine weights come from an input of their own, {@code weights.N},
 *     {@code [tokens, experts]}
 */
public record QMoeModelSpec(
    MoeModelSpec moe,
    int bits,
    int block,
    boolean zeroPoints,
    ElementType type,
    boolean routerWeights) {

  /** int4 in blocks of 16, hidden 32, inner 48, 8 experts, two a token, everything else fp32. */
  public static QMoeModelSpec small() {
    return new QMoeModelSpec(
        MoeModelSpec.small().withSizes(32, 48), 4, 16, false, ElementType.FLOAT, false);
  }

  /** An fp16 {@code MoE}. */
  public static QMoeModelSpec half() {
    return new QMoeModelSpec(
        MoeModelSpec.small().withSizes(32, 48), 16, 0, false, ElementType.FLOAT16, false);
  }

  /** Whether nodes are {@code QMoE}. */
  public boolean quantised() {
    return bits < 16;
  }

  /**
   * Whether ONNX Runtime 1.29 is known to compute something else than the rules: fp16 {@code MoE}
   * on aarch64, where the processor has fp16 arithmetic. There it is off by a seventh of the
   * output's scale and more; without those instructions (a Cortex-A72), and on x86_64, it isn't.
   */
  public boolean stockIsOff() {
    return !quantised() && System.getProperty("os.arch").equals("aarch64");
  }

  /** Weights in a byte; 1 for fp16. */
  public int packing() {
    return quantised() ? 8 / bits : 1;
  }

  /** Scales of a row of {@code columns} weights. */
  public int blocks(int columns) {
    return block == 0 ? 1 : Math.ceilDiv(columns, block);
  }

  /** Bytes of one expert. */
  public long bytesPerExpert() {
    var weights = new QMoeWeights(this, 0);
    return Arrays.stream(QMoeWeights.Part.values())
        .filter(weights::has)
        .mapToLong(weights::bytesPerExpert)
        .sum();
  }

  /** Changes what doesn't depend on the format. */
  public QMoeModelSpec with(MoeModelSpec newMoe) {
    return new QMoeModelSpec(newMoe, bits, block, zeroPoints, type, routerWeights);
  }

  public QMoeModelSpec withFormat(int newBits, int newBlock, boolean newZeroPoints) {
    return new QMoeModelSpec(moe, newBits, newBlock, newZeroPoints, type, routerWeights);
  }

  public QMoeModelSpec withType(ElementType newType) {
    return new QMoeModelSpec(moe, bits, block, zeroPoints, newType, routerWeights);
  }

  public QMoeModelSpec withRouterWeights(boolean newRouterWeights) {
    return new QMoeModelSpec(moe, bits, block, zeroPoints, type, newRouterWeights);
  }
}
