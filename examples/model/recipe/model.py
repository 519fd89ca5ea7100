"""The model: a decoder-only transformer with a Mixture-of-Experts feed-forward block in every layer.

Shapes in this file: B sequences, T tokens each, N = B * T tokens; H hidden size, D head size, E experts, K experts
chosen a token, I inner size of an expert, V vocabulary.

It computes what ONNX Runtime's operators compute: RMSNorm (`SimplifiedLayerNormalization`), grouped-query attention
with rotary positions in the half-split form (`GroupQueryAttention`), and `MoE` with softmax over all experts, the
best K renormalised, and SwiGLU experts without biases, whose weights can be held to 4 bits while they train.

Attention has a hand-written gradient: it goes through the sequences one by one, in pieces that fit a core's cache.
"""

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from quantise import straight_through


@dataclass(frozen=True)
class Config:
    """The model's dimensions."""

    vocabulary: int = 4096
    hidden: int = 192
    layers: int = 4
    heads: int = 6
    kv_heads: int = 2
    head_size: int = 32
    experts: int = 32
    top_k: int = 4
    expert_inner: int = 64
    context: int = 512
    rope_theta: float = 10000.0
    norm_epsilon: float = 1e-5


def rotary_cache(config):
    """Returns cos and sin, each [context, D / 2]."""
    frequency = config.rope_theta ** (-torch.arange(0, config.head_size, 2, dtype=torch.float64) / config.head_size)
    angle = torch.arange(config.context, dtype=torch.float64)[:, None] * frequency
    return angle.cos().float(), angle.sin().float()


def rotate(states, cos, sin):
    """Turns states [B, T, heads, D] by their positions; cos and sin are [T, D / 2]. First half with second half."""
    first, second = states.chunk(2, dim=-1)
    cos, sin = cos[:, None, :], sin[:, None, :]
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)


class CausalAttention(torch.autograd.Function):
    """Softmax attention of groups of query heads over shared keys, one sequence and key head at a time."""

    @staticmethod
    def forward(context, query, key, value, mask):
        """query [B, G, R * T, D], key and value [B, G, T, D], mask [R * T, T] of 0 and -inf; returns query's shape.

        G key heads; the R query heads of one group stand one under the other, so that one product serves them all.
        """
        scale = 1.0 / math.sqrt(query.shape[-1])
        weights = query.new_empty((*query.shape[:3], key.shape[2]))
        output = torch.empty_like(query)
        for b in range(query.shape[0]):
            for g in range(query.shape[1]):
                scores = torch.addmm(mask, query[b, g], key[b, g].t(), alpha=scale)
                torch.softmax(scores, dim=-1, out=weights[b, g])
                torch.mm(weights[b, g], value[b, g], out=output[b, g])
        context.save_for_backward(query, key, value, weights)
        context.scale = scale
        return output

    @staticmethod
    def backward(context, grad):
        query, key, value, weights = context.saved_tensors
        grad = grad.contiguous()
        grad_query, grad_key, grad_value = map(torch.empty_like, (query, key, value))
        for b in range(query.shape[0]):
            for g in range(query.shape[1]):
                probability = weights[b, g]
                torch.mm(probability.t(), grad[b, g], out=grad_value[b, g])
                scores = torch.mm(grad[b, g], value[b, g].t())
                scores = torch._softmax_backward_data(scores, probability, -1, torch.float32).mul_(context.scale)
                torch.mm(scores, key[b, g], out=grad_query[b, g])
                torch.mm(scores.t(), query[b, g], out=grad_key[b, g])
        return grad_query, grad_key, grad_value, None


def run_experts(rows, counts, up, down):
    """SwiGLU experts over rows [M, H] that are sorted by expert, counts[e] of them for expert e; returns [M, H].

    up [E, 2I, H], down [E, H, I]. Of up's rows the first I are the gate, the last I the linear part (the export
    interleaves them).
    """
    outputs = []
    for part, up_e, down_e in zip(rows.split(counts), up.unbind(0), down.unbind(0)):
        gate, linear = functional.linear(part, up_e).chunk(2, dim=1)
        outputs.append(functional.linear(functional.silu(gate) * linear, down_e))
    return torch.cat(outputs)


class RmsNorm(nn.Module):
    """Root-mean-square normalisation with a weight, over the last dimension."""

    def __init__(self, size, epsilon):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.epsilon = epsilon

    def forward(self, states):
        """[..., H] to [..., H]"""
        return states * torch.rsqrt(states.square().mean(-1, keepdim=True) + self.epsilon) * self.weight


class Attention(nn.Module):
    """Grouped-query attention with rotary positions."""

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.qkv = nn.Linear(config.hidden, (config.heads + 2 * config.kv_heads) * config.head_size, bias=False)
        self.out = nn.Linear(config.heads * config.head_size, config.hidden, bias=False)

    def forward(self, states, cos, sin, mask):
        """states [B, T, H], cos and sin [T, D / 2], mask [R * T, T]; returns [B, T, H]"""
        config, (batch, length, _) = self.config, states.shape
        groups, repeat, size = config.kv_heads, config.heads // config.kv_heads, config.head_size
        mixed = self.qkv(states).view(batch, length, config.heads + 2 * groups, size)
        turned = rotate(mixed[:, :, : config.heads + groups], cos, sin)
        query = turned[:, :, : config.heads].view(batch, length, groups, repeat, size)
        query = query.permute(0, 2, 3, 1, 4).reshape(batch, groups, repeat * length, size)
        key = turned[:, :, config.heads :].transpose(1, 2).contiguous()
        value = mixed[:, :, config.heads + groups :].transpose(1, 2).contiguous()
        seen = CausalAttention.apply(query, key, value, mask)
        seen = seen.view(batch, groups, repeat, length, size).permute(0, 3, 1, 2, 4)
        return self.out(seen.reshape(batch, length, config.heads * size))


class MixtureOfExperts(nn.Module):
    """Routes each token to its best K experts and adds up what they return."""

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.router = nn.Linear(config.hidden, config.experts, bias=False)
        self.up = nn.Parameter(torch.empty(config.experts, 2 * config.expert_inner, config.hidden))
        self.down = nn.Parameter(torch.empty(config.experts, config.hidden, config.expert_inner))
        self.quantised = False

    def forward(self, states):
        """states [N, H]; returns ([N, H], load-balancing loss, router z-loss, tokens routed to each expert [E])"""
        config = self.config
        logits = self.router(states)
        probability = torch.softmax(logits, dim=-1)
        best, chosen = torch.topk(probability, config.top_k, dim=-1)
        combine = best / best.sum(-1, keepdim=True)

        order = torch.argsort(chosen.flatten())
        counts = torch.bincount(chosen.flatten(), minlength=config.experts)
        token = torch.div(order, config.top_k, rounding_mode="floor")
        up, down = (map(straight_through, (self.up, self.down)) if self.quantised else (self.up, self.down))
        rows = run_experts(states.index_select(0, token), counts.tolist(), up, down)
        rows = rows * combine.flatten().index_select(0, order)[:, None]
        output = torch.zeros_like(states).index_add(0, token, rows)

        share = counts.float() / counts.sum()
        balance = config.experts * (share * probability.mean(0)).sum()
        return output, balance, torch.logsumexp(logits, dim=-1).square().mean(), counts


class Layer(nn.Module):
    """Attention and experts, each behind a norm and added to the residual stream."""

    def __init__(self, config, dropout):
        super().__init__()
        self.attention_norm = RmsNorm(config.hidden, config.norm_epsilon)
        self.attention = Attention(config)
        self.expert_norm = RmsNorm(config.hidden, config.norm_epsilon)
        self.experts = MixtureOfExperts(config)
        self.dropout = nn.Dropout(dropout)

    def forward(self, states, cos, sin, mask):
        """states [B, T, H]; returns (states, balance loss, z-loss, counts [E])"""
        states = states + self.dropout(self.attention(self.attention_norm(states), cos, sin, mask))
        normed = self.expert_norm(states)
        mixed, balance, z_loss, counts = self.experts(normed.view(-1, normed.shape[-1]))
        return states + self.dropout(mixed.view_as(states)), balance, z_loss, counts


class Model(nn.Module):
    """The language model: token ids in, logits out.

    One table serves as embedding and as output head. Its entries fit the head; the embedding multiplies them by
    sqrt(H), which `embedding_table` folds in for the export.
    """

    def __init__(self, config, dropout=0.0):
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocabulary, config.hidden)
        self.layers = nn.ModuleList(Layer(config, dropout) for _ in range(config.layers))
        self.final_norm = RmsNorm(config.hidden, config.norm_epsilon)
        self.head = nn.Linear(config.hidden, config.vocabulary, bias=False)
        self.head.weight = self.embedding.weight
        self.dropout = nn.Dropout(dropout)
        cos, sin = rotary_cache(config)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        self.initialise()

    def initialise(self):
        """Normal weights; what writes into the residual stream is smaller the more layers there are."""
        for name, weight in self.named_parameters():
            if weight.dim() > 1:
                spread = weight.shape[-1] ** -0.5
                if name.endswith(("out.weight", "down")):
                    spread /= math.sqrt(2 * len(self.layers))
                if "router" in name or "embedding" in name:
                    spread *= 0.5
                nn.init.normal_(weight, std=spread)

    def quantise_experts(self):
        """From now on the experts compute with their weights as 4 bits hold them."""
        for layer in self.layers:
            layer.experts.quantised = True

    def embedding_table(self):
        """The table [V, H] as the embedding uses it."""
        return self.embedding.weight * math.sqrt(self.config.hidden)

    def forward(self, ids):
        """ids [B, T]; returns (logits [B, T, V], mean balance loss, mean z-loss, counts [layers, E])"""
        length = ids.shape[1]
        cos, sin = self.cos[:length], self.sin[:length]
        repeat = self.config.heads // self.config.kv_heads
        mask = torch.full((length, length), -math.inf).triu(1).repeat(repeat, 1)
        states = self.dropout(self.embedding(ids) * math.sqrt(self.config.hidden))
        balances, z_losses, counts = [], [], []
        for layer in self.layers:
            states, balance, z_loss, count = layer(states, cos, sin, mask)
            balances.append(balance)
            z_losses.append(z_loss)
            counts.append(count)
        logits = self.head(self.final_norm(states))
        return logits, sum(balances) / len(balances), sum(z_losses) / len(z_losses), torch.stack(counts)
