package dev.warmgate.onnx;

import java.util.Locale;

/**
 * What a generated test model is like; {@link MoeModels} writes it, {@link MoeReference} computes
 * it.
 *
 * <p>Models are stacks: {@code x = x + 0.5 * MoE(x)}, once for each layer. Their input is {@code
 * hidden}, {@code [tokens, hidden]} or {@code [batch, tokens, hidden]}, their output {@code output}
 * of the same shape; with {@link Router#INPUT} there is an input {@code router.N} {@code [tokens,
 * experts]} for each layer as well.
 *
 * <p>Equal specs give equal weights. A spec with {@link Activation#SWIGLU_HALVES} is the same
 * function as that with {@link Activation#SWIGLU_INTERLEAVED}, its rows stored in another order:
 * ONNX Runtime's CPU kernel loads only the latter.
 *
 * @param layers MoE layers, 1 or more
 * @param experts experts a layer
 * @param hidden width of the hidden states
 * @param inner width between an expert's two matrices
 * @param topK experts a token uses
 * @param activation between the matrices
 * @param alpha swiglu's alpha
 * @param beta swiglu's beta
 * @param limit swiglu's limit; infinite for none
 * @param bias whether experts have biases
 * @param normalize whether combine weights sum to one over the selected experts
 * @param rank of the hidden states, 2 or 3
 * @param router where gate logits come from
 * @param storage where weights are
 * @param alignment each external tensor starts at a multiple of this; 1 packs them tightly
 * @param skew bytes before the first external tensor, to make offsets odd
 * @param seed of the weights
 */
public record MoeModelSpec(
    int layers,
    int experts,
    int hidden,
    int inner,
    int topK,
    Activation activation,
    float alpha,
    float beta,
    float limit,
    boolean bias,
    boolean normalize,
    int rank,
    Router router,
    Storage storage,
    int alignment,
    int skew,
    long seed) {

  /** Activations of experts. */
  public enum Activation {
    RELU,
    GELU,
    SILU,
    IDENTITY,
    SWIGLU_INTERLEAVED,
    SWIGLU_HALVES;

    boolean gated() {
      return this == SWIGLU_INTERLEAVED || this == SWIGLU_HALVES;
    }

    /** The value of the attribute {@code activation_type}. */
    String type() {
      return gated() ? "swiglu" : name().toLowerCase(Locale.ROOT);
    }
  }

  /** Where gate logits come from. */
  public enum Router {
    /** A constant matrix times the hidden state. */
    MATMUL,
    /** The same, and a bias. */
    MATMUL_BIAS,
    /** A transposed matrix and a bias in one node; for hidden states of rank 2. */
    GEMM,
    /** An input of the graph for each layer. */
    INPUT
  }

  /** Where weights are. */
  public enum Storage {
    /** In the {@code .onnx} file. */
    EMBEDDED,
    /** In a file beside it. */
    EXTERNAL,
    /** In a file beside it that is all holes: any size, no disk, and every weight is zero. */
    EXTERNAL_ZEROS
  }

  /** One layer of 8 experts, two a token, hidden 16, inner 12, silu, external data. */
  public static MoeModelSpec small() {
    return new MoeModelSpec(
        1,
        8,
        16,
        12,
        2,
        Activation.SILU,
        1.702f,
        1,
        Float.POSITIVE_INFINITY,
        false,
        false,
        2,
        Router.MATMUL,
        Storage.EXTERNAL,
        4096,
        0,
        1);
  }

  /** Rows of the first matrix. */
  public int rows() {
    return activation.gated() ? 2 * inner : inner;
  }

  /** Bytes of one expert. */
  public long bytesPerExpert() {
    return 4L * ((long) rows() * hidden + (long) hidden * inner + (bias ? rows() + hidden : 0));
  }

  public MoeModelSpec withLayers(int value) {
    return new MoeModelSpec(
        value,
        experts,
        hidden,
        inner,
        topK,
        activation,
        alpha,
        beta,
        limit,
        bias,
        normalize,
        rank,
        router,
        storage,
        alignment,
        skew,
        seed);
  }

  public MoeModelSpec withExperts(int value) {
    return new MoeModelSpec(
        layers,
        value,
        hidden,
        inner,
        topK,
        activation,
        alpha,
        beta,
        limit,
        bias,
        normalize,
        rank,
        router,
        storage,
        alignment,
        skew,
        seed);
  }

  public MoeModelSpec withSizes(int hiddenSize, int innerSize) {
    return new MoeModelSpec(
        layers,
        experts,
        hiddenSize,
        innerSize,
        topK,
        activation,
        alpha,
        beta,
        limit,
        bias,
        normalize,
        rank,
        router,
        storage,
        alignment,
        skew,
        seed);
  }

  public MoeModelSpec withTopK(int value) {
    return new MoeModelSpec(
        layers,
        experts,
        hidden,
        inner,
        value,
        activation,
        alpha,
        beta,
        limit,
        bias,
        normalize,
        rank,
        router,
        storage,
        alignment,
        skew,
        seed);
  }

  public MoeModelSpec withActivation(Activation value) {
    return new MoeModelSpec(
        layers, experts, hidden, inner, topK, value, alpha, beta, limit, bias, normalize, rank,
        router, storage, alignment, skew, seed);
  }

  /** Sets the constants of swiglu. */
  public MoeModelSpec withSwiglu(float newAlpha, float newBeta, float newLimit) {
    return new MoeModelSpec(
        layers,
        experts,
        hidden,
        inner,
        topK,
        activation,
        newAlpha,
        newBeta,
        newLimit,
        bias,
        normalize,
        rank,
        router,
        storage,
        alignment,
        skew,
        seed);
  }

  public MoeModelSpec withBias(boolean value) {
    return new MoeModelSpec(
        layers,
        experts,
        hidden,
        inner,
        topK,
        activation,
        alpha,
        beta,
        limit,
        value,
        normalize,
        rank,
        router,
        storage,
        alignment,
        skew,
        seed);
  }

  public MoeModelSpec withNormalize(boolean value) {
    return new MoeModelSpec(
        layers,
        experts,
        hidden,
        inner,
        topK,
        activation,
        alpha,
        beta,
        limit,
        bias,
        value,
        rank,
        router,
        storage,
        alignment,
        skew,
        seed);
  }

  public MoeModelSpec withRank(int value) {
    return new MoeModelSpec(
        layers,
        experts,
        hidden,
        inner,
        topK,
        activation,
        alpha,
        beta,
        limit,
        bias,
        normalize,
        value,
        router,
        storage,
        alignment,
        skew,
        seed);
  }

  public MoeModelSpec withRouter(Router value) {
    return new MoeModelSpec(
        layers,
        experts,
        hidden,
        inner,
        topK,
        activation,
        alpha,
        beta,
        limit,
        bias,
        normalize,
        rank,
        value,
        storage,
        alignment,
        skew,
        seed);
  }

  public MoeModelSpec withStorage(Storage value) {
    return new MoeModelSpec(
        layers,
        experts,
        hidden,
        inner,
        topK,
        activation,
        alpha,
        beta,
        limit,
        bias,
        normalize,
        rank,
        router,
        value,
        alignment,
        skew,
        seed);
  }

  /** Sets how tensors lie in the external file. */
  public MoeModelSpec withLayout(int newAlignment, int newSkew) {
    return new MoeModelSpec(
        layers,
        experts,
        hidden,
        inner,
        topK,
        activation,
        alpha,
        beta,
        limit,
        bias,
        normalize,
        rank,
        router,
        storage,
        newAlignment,
        newSkew,
        seed);
  }

  public MoeModelSpec withSeed(long value) {
    return new MoeModelSpec(
        layers,
        experts,
        hidden,
        inner,
        topK,
        activation,
        alpha,
        beta,
        limit,
        bias,
        normalize,
        rank,
        router,
        storage,
        alignment,
        skew,
        value);
  }
}
