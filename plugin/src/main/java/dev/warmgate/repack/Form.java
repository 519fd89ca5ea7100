package dev.warmgate.repack;

/** How the model beside a store refers to its experts. */
enum Form {
  /** Its nodes stay as they are, and the tensors of experts are external data in the store. */
  SLIM,
  /** Its MoE nodes are custom ops that name their experts, for hosts without plugin providers. */
  ADAPTED
}
