"""Writes a trained checkpoint in the layout of ONNX Runtime GenAI: `model.onnx`, its weights, `genai_config.json`.

The graph has the operators, and nodes, values and weights the names, that GenAI's model builder gives to a decoder
whose Mixture-of-Experts layers are `QMoE` with weights of 4 bits; all else is in fp32, for the CPU.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from onnx import TensorProto, helper, numpy_helper

from bpe import Tokenizer
from model import Config, Model
from quantise import BLOCK, codes_of, pack, scales_of

PAGE = 4096
MICROSOFT = "com.microsoft"


ELEMENTS = {np.dtype(np.float32): TensorProto.FLOAT, np.dtype(np.uint8): TensorProto.UINT8}


class Weights:
    """Collects initializers and lays them out in one external data file.

    A tensor of a page or more starts at a page boundary; a smaller one at a multiple of 64 bytes.
    """

    def __init__(self, file_name):
        self.file_name = file_name
        self.data = bytearray()
        self.tensors = []

    def add(self, name, values):
        """Adds a tensor of fp32 or of bytes; returns its name."""
        array = np.ascontiguousarray(values.detach().numpy())
        raw = array.tobytes()
        alignment = PAGE if len(raw) >= PAGE else 64
        self.data += bytes(-len(self.data) % alignment)
        tensor = TensorProto(name=name, data_type=ELEMENTS[array.dtype], dims=values.shape)
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("location", self.file_name), ("offset", len(self.data)), ("length", len(raw))):
            tensor.external_data.add(key=key, value=str(value))
        self.data += raw
        self.tensors.append(tensor)
        return name

    def constant(self, values):
        """Adds a small int64 constant, kept inside the model file; returns its name."""
        array = np.array(values, dtype=np.int64)
        name = f"/model/constants/INT64/{values}"
        if name not in (tensor.name for tensor in self.tensors):
            self.tensors.append(numpy_helper.from_array(array, name))
        return name


class Graph:
    """Builds the graph's nodes, in execution order."""

    def __init__(self, model, weights):
        self.model = model
        self.config = model.config
        self.weights = weights
        self.nodes = []
        self.shapes = []

    def node(self, op, name, inputs, outputs=None, **attributes):
        """Appends a node; returns its first output, named after the node unless `outputs` says otherwise."""
        outputs = outputs or [f"{name}/output_0"]
        self.nodes.append(helper.make_node(op, inputs, outputs, name=name, **attributes))
        return outputs[0]

    def shape(self, name, dims, element=TensorProto.FLOAT):
        """Notes the type and shape of a value inside the graph; returns its name."""
        self.shapes.append(helper.make_tensor_value_info(name, element, dims))
        return name

    def matmul(self, name, states, linear):
        """A MatMul with a torch Linear [out, in], whose weight ONNX wants as [in, out]."""
        weight = self.weights.add(name.strip("/").replace("/", ".") + ".weight", linear.weight.t())
        output = self.node("MatMul", name, [states, weight])
        return self.shape(output, ["batch_size", "sequence_length", linear.weight.shape[0]])

    def mask(self):
        """Derives what GroupQueryAttention wants to know about lengths; returns (seqlens_k, total_sequence_length)."""
        base = "/model/attn_mask_reformat/attn_mask_subgraph"
        one = self.weights.constant([1])
        total = self.node("ReduceSum", f"{base}/ReduceSum", ["attention_mask", one], keepdims=1)
        self.shape(total, ["batch_size", 1], TensorProto.INT64)
        last = self.shape(self.node("Sub", f"{base}/Sub", [total, one]), ["batch_size", 1], TensorProto.INT64)
        last = self.node("Cast", f"{base}/Sub/Cast", [last], to=TensorProto.INT32)
        self.shape(last, ["batch_size", 1], TensorProto.INT32)
        shape = self.shape(self.node("Shape", f"{base}/Shape", ["attention_mask"]), [2], TensorProto.INT64)
        longest = self.node("Gather", f"{base}/Gather", [shape, self.weights.constant(1)], axis=0)
        self.shape(longest, [], TensorProto.INT64)
        longest = self.node("Cast", f"{base}/Gather/Cast", [longest], to=TensorProto.INT32)
        return last, self.shape(longest, [], TensorProto.INT32)

    def norm(self, position, states, skip, norm, last=False):
        """An RMSNorm, with the addition to the residual stream before it if there is one to do.

        Returns (normed, residual stream after the addition); `last` leaves out the latter.
        """
        weight = self.weights.add(f"model.{position}.weight", norm.weight)
        base = f"/model/{'/'.join(position.rsplit('.', 1))}"
        shape = ["batch_size", "sequence_length", self.config.hidden]
        normed = self.shape(f"{base}/output_0", shape)
        if skip is None:
            self.node(
                "SimplifiedLayerNormalization", f"{base}/LayerNorm", [states, weight], [normed],
                axis=-1, epsilon=norm.epsilon, stash_type=1,
            )
            return normed, states
        outputs = [normed] if last else [normed, "", "", self.shape(f"{base}/output_3", shape)]
        self.node(
            "SkipSimplifiedLayerNormalization", f"{base}/SkipLayerNorm", [states, skip, weight], outputs,
            domain=MICROSOFT, epsilon=norm.epsilon,
        )
        return normed, outputs[-1]

    def attention(self, index, states, attention, lengths):
        """One layer's attention with packed query, key and value; returns what goes into the residual stream."""
        config, base = self.config, f"/model/layers.{index}/attn"
        packed = self.matmul(f"{base}/qkv_proj/MatMul", states, attention.qkv)
        seen = self.node(
            "GroupQueryAttention", f"{base}/GroupQueryAttention",
            [packed, "", "", f"past_key_values.{index}.key", f"past_key_values.{index}.value", *lengths,
             "cos_cache", "sin_cache"],
            [f"{base}/GroupQueryAttention/output_0", f"present.{index}.key", f"present.{index}.value"],
            domain=MICROSOFT, num_heads=config.heads, kv_num_heads=config.kv_heads,
            scale=float(config.head_size**-0.5), do_rotary=1, rotary_interleaved=0, local_window_size=-1, softcap=0.0,
        )
        self.shape(seen, ["batch_size", "sequence_length", config.heads * config.head_size])
        return self.matmul(f"{base}/o_proj/MatMul", seen, attention.out)

    def experts(self, index, states, block):
        """One layer's router and experts; returns what goes into the residual stream."""
        config, base = self.config, f"/model/layers.{index}/moe"
        logits = self.matmul(f"{base}/router/MatMul", states, block.router)
        logits = self.node(
            "Reshape", f"{base}/router/Reshape", [logits, self.weights.constant([-1, config.experts])]
        )
        self.shape(logits, ["batch_size * sequence_length", config.experts])
        names = f"model.layers.{index}.moe.experts"
        output = self.node(
            "QMoE", f"{base}/QMoE",
            [
                states,
                logits,
                *self.quantised(f"{names}.gate_up_proj", interleave(block.up)), "",
                *self.quantised(f"{names}.down_proj", block.down),
            ],
            domain=MICROSOFT, k=config.top_k, activation_type="swiglu", activation_alpha=1.0, activation_beta=0.0,
            swiglu_fusion=1, normalize_routing_weights=1, use_sparse_mixer=0, expert_weight_bits=4, block_size=BLOCK,
        )
        return self.shape(output, ["batch_size", "sequence_length", config.hidden])

    def quantised(self, name, weights):
        """Adds experts' matrices [E, N, K] in 4 bits; returns the names of weights [E, N, K / 2] and scales."""
        scales = scales_of(weights)
        return (
            self.weights.add(f"{name}.qweight", pack(codes_of(weights, scales))),
            self.weights.add(f"{name}.scales", scales),
        )

    def build(self):
        """Returns the GraphProto."""
        config, model = self.config, self.model
        self.weights.add("cos_cache", model.cos)
        self.weights.add("sin_cache", model.sin)
        lengths = self.mask()
        table = self.weights.add("model.embed_tokens.weight", model.embedding_table())
        states = self.node("Gather", "/model/embed_tokens/Gather", [table, "input_ids"])
        self.shape(states, ["batch_size", "sequence_length", config.hidden])
        skip = None
        for index, layer in enumerate(model.layers):
            normed, states = self.norm(f"layers.{index}.input_layernorm", states, skip, layer.attention_norm)
            skip = self.attention(index, normed, layer.attention, lengths)
            normed, states = self.norm(f"layers.{index}.post_attention_layernorm", states, skip, layer.expert_norm)
            skip = self.experts(index, normed, layer.experts)
        final = f"layers.{config.layers}.final_norm_layernorm"
        normed, _ = self.norm(final, states, skip, model.final_norm, last=True)
        head = self.weights.add("lm_head.MatMul.weight", model.head.weight.t())
        self.node("MatMul", "/lm_head/MatMul", [normed, head], ["logits"])
        inputs, outputs = self.interface()
        tensors = self.weights.tensors
        return helper.make_graph(self.nodes, "main_graph", inputs, outputs, tensors, value_info=self.shapes)

    def interface(self):
        """Returns the graph's inputs and outputs."""
        config = self.config
        heads, size = config.kv_heads, config.head_size

        def ids(name, length):
            return helper.make_tensor_value_info(name, TensorProto.INT64, ["batch_size", length])

        def cache(stem, length):
            return [
                helper.make_tensor_value_info(
                    f"{stem}.{index}.{kind}", TensorProto.FLOAT, ["batch_size", heads, length, size]
                )
                for index in range(config.layers)
                for kind in ("key", "value")
            ]

        logits = ["batch_size", "sequence_length", config.vocabulary]
        return (
            [ids("input_ids", "sequence_length"), ids("attention_mask", "total_sequence_length"),
             *cache("past_key_values", "past_sequence_length")],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, logits),
             *cache("present", "total_sequence_length")],
        )


def interleave(halves):
    """Turns [E, 2I, ...], gate rows first and linear rows after, into gate and linear row by row."""
    gate, linear = halves.chunk(2, dim=1)
    return torch.stack((gate, linear), dim=2).reshape(halves.shape)


def genai_config(config):
    """Returns GenAI's description of the model, which its `decoder` type covers."""
    return {
        "model": {
            "bos_token_id": 0,
            "context_length": config.context,
            "decoder": {
                "session_options": {"log_id": "onnxruntime-genai", "provider_options": []},
                "filename": "model.onnx",
                "head_size": config.head_size,
                "hidden_size": config.hidden,
                "inputs": {
                    "input_ids": "input_ids",
                    "attention_mask": "attention_mask",
                    "past_key_names": "past_key_values.%d.key",
                    "past_value_names": "past_key_values.%d.value",
                },
                "outputs": {
                    "logits": "logits",
                    "present_key_names": "present.%d.key",
                    "present_value_names": "present.%d.value",
                },
                "num_attention_heads": config.heads,
                "num_hidden_layers": config.layers,
                "num_key_value_heads": config.kv_heads,
            },
            "eos_token_id": 0,
            "pad_token_id": 0,
            "type": "decoder",
            "vocab_size": config.vocabulary,
        },
        "search": {
            "diversity_penalty": 0.0,
            "do_sample": False,
            "early_stopping": True,
            "length_penalty": 1.0,
            "max_length": config.context,
            "min_length": 0,
            "no_repeat_ngram_size": 0,
            "num_beams": 1,
            "num_return_sequences": 1,
            "past_present_share_buffer": True,
            "repetition_penalty": 1.0,
            "temperature": 0.8,
            "top_k": 40,
            "top_p": 1.0,
        },
    }


def load(checkpoint):
    """Returns the trained model, in evaluation mode, with its experts in 4 bits."""
    saved = torch.load(checkpoint)
    model = Model(Config(**saved["config"]))
    model.load_state_dict(saved["weights"])
    model.quantise_experts()
    return model.eval()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--tokenizer", type=Path, required=True, help="tokenizer.json that bpe.py wrote")
    parser.add_argument("--out", type=Path, required=True, help="folder of the model")
    options = parser.parse_args()

    model = load(options.checkpoint)
    tokenizer = Tokenizer.load(options.tokenizer)
    options.out.mkdir(parents=True, exist_ok=True)
    weights = Weights("model.onnx.data")
    graph = Graph(model, weights).build()
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid(MICROSOFT, 1)]
    proto = helper.make_model(graph, opset_imports=opsets, producer_name="warmgate-example")
    proto.ir_version = 10
    (options.out / "model.onnx").write_bytes(proto.SerializeToString(deterministic=True))
    (options.out / weights.file_name).write_bytes(weights.data)
    config = json.dumps(genai_config(model.config), indent=4) + "\n"
    (options.out / "genai_config.json").write_text(config, encoding="utf-8")
    tokenizer.save(options.out, model.config.context)
    print(f"{options.out}: {sum(file.stat().st_size for file in options.out.iterdir())} bytes")


if __name__ == "__main__":
    main()
