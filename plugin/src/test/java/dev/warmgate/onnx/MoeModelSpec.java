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

  public MoeModelSpec withLayers(int newLayers) {
    var edit = new Edit(this);
    edit.layers = newLayers;
    return edit.done();
  }

  public MoeModelSpec withExperts(int newExperts) {
    var edit = new Edit(this);
    edit.experts = newExperts;
    return edit.done();
  }

  public MoeModelSpec withSizes(int newHidden, int newInner) {
    var edit = new Edit(this);
    edit.hidden = newHidden;
    edit.inner = newInner;
    return edit.done();
  }

  public MoeModelSpec withTopK(int newTopK) {
    var edit = new Edit(this);
    edit.topK = newTopK;
    return edit.done();
  }

  public MoeModelSpec withActivation(Activation newActivation) {
    var edit = new Edit(this);
    edit.activation = newActivation;
    return edit.done();
  }

  /** Sets the constants of swiglu. */
  public MoeModelSpec withSwiglu(float newAlpha, float newBeta, float newLimit) {
    var edit = new Edit(this);
    edit.alpha = newAlpha;
    edit.beta = newBeta;
    edit.limit = newLimit;
    return edit.done();
  }

  public MoeModelSpec withBias(boolean newBias) {
    var edit = new Edit(this);
    edit.bias = newBias;
    return edit.done();
  }

  public MoeModelSpec withNormalize(boolean newNormalize) {
    var edit = new Edit(this);
    edit.normalize = newNormalize;
    return edit.done();
  }

  public MoeModelSpec withRank(int newRank) {
    var edit = new Edit(this);
    edit.rank = newRank;
    return edit.done();
  }

  public MoeModelSpec withRouter(Router newRouter) {
    var edit = new Edit(this);
    edit.router = newRouter;
    return edit.done();
  }

  public MoeModelSpec withStorage(Storage newStorage) {
    var edit = new Edit(this);
    edit.storage = newStorage;
    return edit.done();
  }

  /** Sets how tensors lie in the external file. */
  public MoeModelSpec withLayout(int newAlignment, int newSkew) {
    var edit = new Edit(this);
    edit.alignment = newAlignment;
    edit.skew = newSkew;
    return edit.done();
  }

  public MoeModelSpec withSeed(long newSeed) {
    var edit = new Edit(this);
    edit.seed = newSeed;
    return edit.done();
  }

  /** A spec being changed. */
  private static final class Edit {
    private int layers;
    private int experts;
    private int hidden;
    private int inner;
    private int topK;
    private Activation activation;
    private float alpha;
    private float beta;
    private float limit;
    private boolean bias;
    private boolean normalize;
    private int rank;
    private Router router;
    private Storage storage;
    private int alignment;
    private int skew;
    private long seed;

    Edit(MoeModelSpec spec) {
      layers = spec.layers;
      experts = spec.experts;
      hidden = spec.hidden;
      inner = spec.inner;
      topK = spec.topK;
      activation = spec.activation;
      alpha = spec.alpha;
      beta = spec.beta;
      limit = spec.limit;
      bias = spec.bias;
      normalize = spec.normalize;
      rank = spec.rank;
      router = spec.router;
      storage = spec.storage;
      alignment = spec.alignment;
      skew = spec.skew;
      seed = spec.seed;
    }

    MoeModelSpec done() {
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
          seed);
    }
  }
}
