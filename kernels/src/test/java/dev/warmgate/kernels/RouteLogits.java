package dev.warmgate.kernels;

import java.util.BitSet;
import java.util.Random;

/** Kinds of gate logits. */
enum RouteLogits {
  NORMAL {
    @Override
    float next(Random random) {
      return (float) random.nextGaussian();
    }
  },
  WIDE {
    @Override
    float next(Random random) {
      return (float) random.nextGaussian() * 20;
    }
  },
  FEW_VALUES {
    @Override
    float next(Random random) {
      return random.nextInt(4);
    }
  },
  SOME_SPECIAL {
    @Override
    float next(Random random) {
      return random.nextInt(3) == 0 ? special(random) : (float) random.nextGaussian();
    }
  },
  SPECIAL {
    @Override
    float next(Random random) {
      return special(random);
    }
  },
  MASKED {
    @Override
    float next(Random random) {
      return random.nextInt(8) == 0 ? (float) random.nextGaussian() : -3.4e38f;
    }
  },
  CUT {
    @Override
    float next(Random random) {
      return random.nextInt(8) == 0 ? (float) random.nextGaussian() : Float.NEGATIVE_INFINITY;
    }
  };

  /** A NaN that some instructions treat unlike others. */
  static final float SIGNALLING = Float.intBitsToFloat(0x7fa00000);

  private static final float[] SPECIALS = {
    Float.NaN,
    SIGNALLING,
    Float.NEGATIVE_INFINITY,
    Float.POSITIVE_INFINITY,
    -0f,
    0f,
    Float.MIN_VALUE,
    -Float.MAX_VALUE,
    Float.MAX_VALUE,
    -3e38f,
    -2.9e38f
  };

  abstract float next(Random random);

  float[] row(Random random, int experts) {
    float[] row = new float[experts];
    for (int e = 0; e < experts; e++) {
      row[e] = next(random);
    }
    return row;
  }

  private static float special(Random random) {
    return SPECIALS[random.nextInt(SPECIALS.length)];
  }

  /** None, all, or some of them. */
  static BitSet residents(Random random, int experts) {
    BitSet residents = new BitSet(experts);
    int of = random.nextInt(5);
    for (int e = 0; e < experts; e++) {
      residents.set(e, random.nextInt(4) < of);
    }
    return residents;
  }
}
