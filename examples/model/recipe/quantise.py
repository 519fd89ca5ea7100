"""Weights in 4 bits, in blocks along the last dimension: how ONNX Runtime's `QMoE` reads them, and how they train."""

import torch

BLOCK = 32
MIDDLE = 8


def scales_of(weights):
    """Returns the scale of each block of weights [..., K], as [..., K / 32]: the entry of the largest size over -8."""
    blocks = weights.unflatten(-1, (-1, BLOCK))
    largest = blocks.gather(-1, blocks.abs().argmax(-1, keepdim=True)).squeeze(-1)
    return largest / -MIDDLE


def codes_of(weights, scales):
    """Returns the codes 0 to 15 of weights [..., K], as whole numbers in floats: a weight is (code - 8) * scale."""
    inverse = torch.where(scales == 0, scales, 1 / scales)[..., None]
    blocks = weights.unflatten(-1, (-1, BLOCK))
    return (blocks * inverse).round_().clamp_(-MIDDLE, MIDDLE - 1).add_(MIDDLE).flatten(-2)


def dequantise(codes, scales):
    """Returns the weights that codes [..., K] and scales [..., K / 32] stand for."""
    return (codes.unflatten(-1, (-1, BLOCK)).sub(MIDDLE) * scales[..., None]).flatten(-2)


def straight_through(weights):
    """The weights as 4 bits hold them; gradients pass as if they hadn't been rounded."""
    with torch.no_grad():
        scales = scales_of(weights)
        change = dequantise(codes_of(weights, scales), scales).sub_(weights)
    return weights + change


def pack(codes):
    """Puts codes [..., K] two in a byte, the first in the low half; returns bytes [..., K / 2]."""
    whole = codes.to(torch.uint8)
    return whole[..., 0::2] | whole[..., 1::2] << 4
