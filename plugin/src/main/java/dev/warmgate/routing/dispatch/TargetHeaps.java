package dev.warmgate.routing.dispatch;

import java.util.Arrays;

/**
 * For each target a heap of the slots that it holds, the least wanted on top: the lower score,
 * among equals the higher row. Pairing heaps whose nodes are the slots themselves, so that all
 * heaps together need no more memory than there are slots. Not thread-safe.
 */
final class TargetHeaps {
  private static final int NONE = -1;

  private final int[] top;
  private float[] score = new float[0];
  private int[] child = new int[0];
  private int[] sibling = new int[0];

  TargetHeaps(int targets) {
    top = new int[targets];
  }

  /** Begins a call with empty heaps. */
  void begin(int slots) {
    Arrays.fill(top, NONE);
    if (slots > score.length) {
      score = new float[slots];
      child = new int[slots];
      sibling = new int[slots];
    }
  }

  /** The target's least wanted slot. */
  int top(int target) {
    return top[target];
  }

  /** The score of the target's least wanted slot. */
  float leastScore(int target) {
    return score[top[target]];
  }

  /** Whether a slot with a score would be wanted less than the target's least wanted. */
  boolean wantsLess(int target, int slot, float slotScore) {
    int least = top[target];
    return slotScore < score[least] || (slotScore == score[least] && slot > least);
  }

  void push(int target, int slot, float slotScore) {
    score[slot] = slotScore;
    child[slot] = NONE;
    sibling[slot] = NONE;
    top[target] = top[target] == NONE ? slot : meld(top[target], slot);
  }

  /** Removes the target's least wanted slot. */
  void pop(int target) {
    // Meld the children in pairs from the first to the last, then the pairs from the last back.
    int pairs = NONE;
    int next = child[top[target]];
    while (next != NONE) {
      int a = next;
      int b = sibling[a];
      next = b == NONE ? NONE : sibling[b];
      int pair = b == NONE ? a : meld(a, b);
      sibling[pair] = pairs;
      pairs = pair;
    }
    int rest = NONE;
    while (pairs != NONE) {
      int pair = pairs;
      pairs = sibling[pair];
      rest = rest == NONE ? pair : meld(rest, pair);
    }
    if (rest != NONE) {
      sibling[rest] = NONE;
    }
    top[target] = rest;
  }

  private int meld(int a, int b) {
    boolean under = score[a] < score[b] || (score[a] == score[b] && a > b);
    int root = under ? a : b;
    int leaf = under ? b : a;
    sibling[leaf] = child[root];
    child[root] = leaf;
    return root;
  }
}
