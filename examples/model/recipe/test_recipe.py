"""Tests of the recipe: `/usr/bin/python3 -m unittest` in this folder."""

import math
import random
import tempfile
import unittest
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import numpy as np
import onnx
import torch
from torch.nn import functional

import bpe
import export
import model
import quantise
import text
import train

SMALL = model.Config(
    vocabulary=40, hidden=32, layers=2, heads=4, kv_heads=2, head_size=8, experts=4, top_k=2, expert_inner=32, context=12
)


class TextTest(unittest.TestCase):
    def test_pages_lose_what_they_share_and_keep_blocks_apart(self):
        with tempfile.TemporaryDirectory() as folder:
            for index in range(3):
                page = f"<nav>menu</nav><p>Home</p><p>page  <b>{index}</b>\nof 3</p><pre>a\n  b{index}</pre><script>x</script>"
                (Path(folder) / f"{index}.html").write_text(page, encoding="utf-8")
            documents = text.pages(Path(folder).glob("*.html"))
        self.assertEqual(documents[1], "page 1 of 3\na\n  b1".replace("a\n", "", 1))

    def test_long_documents_are_cut_at_lines_and_short_ones_left_out(self):
        lines = "".join(f"line {index} of a long document\n" for index in range(2000))
        parts = text.pieces(lines)
        self.assertEqual("".join(parts), lines)
        self.assertTrue(all(len(part) <= text.LONGEST for part in parts))
        self.assertEqual(text.pieces("short\n"), [])

    def test_a_draw_keeps_every_document_once(self):
        documents = [f"document {index}" for index in range(100)]
        taken, left = text.draw(documents, 100, random.Random(1))
        self.assertEqual(sorted(taken + left), sorted(documents))
        self.assertGreaterEqual(sum(map(len, taken)), 100)
        self.assertLess(sum(map(len, taken[:-1])), 100)

    def test_a_source_without_files_is_refused(self):
        with self.assertRaisesRegex(ValueError, "were all packages fetched"):
            text.read([])


class BpeTest(unittest.TestCase):
    def setUp(self):
        self.sample = "Größe, déjà vu 1\n\nAnd God said, Let there be light: and there was light.\nAnd God's day; ok?"
        self.tokenizer = bpe.Tokenizer(bpe.train(Counter(bpe.words(self.sample)), 20))

    def test_round_trip(self):
        ids = self.tokenizer.encode(self.sample)
        self.assertEqual((ids[0], ids[-1]), (0, 0))
        self.assertEqual(self.tokenizer.decode(ids), self.sample)

    def test_the_first_merge_is_the_most_frequent_pair(self):
        pairs = Counter(pair for word in bpe.words(self.sample) for pair in zip(word, word[1:]))
        self.assertEqual(pairs[self.tokenizer.merges[0]], max(pairs.values()))

    def test_saved_file_gives_the_same_ids(self):
        with tempfile.TemporaryDirectory() as folder:
            self.tokenizer.save(folder, 12)
            again = bpe.Tokenizer.load(Path(folder) / "tokenizer.json")
        self.assertEqual(again.encode(self.sample), self.tokenizer.encode(self.sample))


class ModelTest(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(1)

    def test_attention_is_causal_softmax_attention_of_each_head(self):
        net = model.Attention(SMALL)
        states = torch.randn(2, 7, SMALL.hidden)
        cos, sin = (cache[:7] for cache in model.rotary_cache(SMALL))
        mask = torch.full((7, 7), -math.inf).triu(1)
        mixed = net.qkv(states).view(2, 7, 8, SMALL.head_size)
        turned = model.rotate(mixed, cos, sin)
        heads = []
        for head in range(SMALL.heads):
            group = head // (SMALL.heads // SMALL.kv_heads)
            query, key, value = turned[:, :, head], turned[:, :, 4 + group], mixed[:, :, 6 + group]
            scores = query @ key.transpose(1, 2) / math.sqrt(SMALL.head_size)
            heads.append(torch.softmax(scores + mask, -1) @ value)
        expected = net.out(torch.cat(heads, dim=-1))
        torch.testing.assert_close(net(states, cos, sin, mask.repeat(2, 1)), expected)

    def test_attention_gradients(self):
        length, size, repeat = 7, 8, 2
        query = torch.randn(3, 2, repeat * length, size, requires_grad=True)
        key, value = (torch.randn(3, 2, length, size, requires_grad=True) for _ in range(2))
        mask = torch.full((length, length), -math.inf).triu(1).repeat(repeat, 1)
        ours = model.CausalAttention.apply(query, key, value, mask)
        plain = torch.softmax(query @ key.transpose(-1, -2) / math.sqrt(size) + mask, -1) @ value
        weights = torch.randn(ours.shape)
        for one, other in zip(
            torch.autograd.grad((ours * weights).sum(), (query, key, value)),
            torch.autograd.grad((plain * weights).sum(), (query, key, value)),
        ):
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)

    def test_tokens_get_the_weighted_sum_of_their_best_experts(self):
        net = model.MixtureOfExperts(SMALL)
        for weight in net.parameters():
            torch.nn.init.normal_(weight)
        states = torch.randn(9, SMALL.hidden)
        output, _, _, counts = net(states)
        self.assertEqual(counts.sum(), 9 * SMALL.top_k)
        for token, state in enumerate(states):
            expected = 0
            best, chosen = net.router(state).topk(SMALL.top_k)
            for weight, e in zip(torch.softmax(best, -1), chosen):
                gate, linear = (net.up[e] @ state).chunk(2)
                expected = expected + weight * (net.down[e] @ (functional.silu(gate) * linear))
            torch.testing.assert_close(output[token], expected, rtol=1e-4, atol=1e-4)

    def test_an_expert_without_tokens_is_no_problem(self):
        net = model.MixtureOfExperts(SMALL)
        for weight in net.parameters():
            torch.nn.init.ones_(weight)
        output, *_, counts = net(torch.randn(1, SMALL.hidden))
        output.sum().backward()
        self.assertEqual(sorted(counts.tolist()), [0, 0, 1, 1])

    def test_a_later_token_changes_no_earlier_logits(self):
        net = model.Model(SMALL).eval()
        ids = torch.randint(SMALL.vocabulary, (1, 12))
        changed = ids.clone()
        changed[0, 8] = (changed[0, 8] + 1) % SMALL.vocabulary
        before, after = net(ids)[0], net(changed)[0]
        torch.testing.assert_close(before[:, :8], after[:, :8])
        self.assertFalse(torch.allclose(before[:, 8:], after[:, 8:]))

    def test_evaluate_scores_every_token_but_the_first_once(self):
        stream = torch.randint(SMALL.vocabulary, (31,))
        _, scored, counts = train.evaluate(model.Model(SMALL), stream)
        self.assertEqual(scored, 30)
        self.assertEqual(counts.sum(1).tolist(), [30 * SMALL.top_k] * SMALL.layers)


class ExportTest(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(2)
        self.net = model.Model(SMALL)
        self.weights = export.Weights("model.onnx.data")
        self.graph = export.Graph(self.net, self.weights).build()
        self.tensors = {tensor.name: tensor for tensor in self.graph.initializer}

    def stored(self, name):
        tensor = self.tensors[name]
        at = {entry.key: entry.value for entry in tensor.external_data}
        raw = self.weights.data[int(at["offset"]) : int(at["offset"]) + int(at["length"])]
        element = "<f4" if tensor.data_type == onnx.TensorProto.FLOAT else "u1"
        return int(at["offset"]), np.frombuffer(raw, element).reshape(tensor.dims)

    def test_large_tensors_start_at_page_boundaries_and_none_overlap(self):
        end = 0
        for tensor in self.graph.initializer:
            if tensor.data_location == onnx.TensorProto.EXTERNAL:
                offset, values = self.stored(tensor.name)
                self.assertGreaterEqual(offset, end)
                self.assertEqual(offset % (4096 if values.nbytes >= 4096 else 64), 0)
                end = offset + values.nbytes
        self.assertEqual(end, len(self.weights.data))

    def test_stored_codes_and_scales_give_what_trained_and_gate_and_linear_rows_alternate(self):
        experts = self.net.layers[1].experts
        trained = quantise.straight_through(experts.up.detach()).numpy()
        _, packed = self.stored("model.layers.1.moe.experts.gate_up_proj.qweight")
        _, scales = self.stored("model.layers.1.moe.experts.gate_up_proj.scales")
        codes = np.stack((packed & 15, packed >> 4), axis=-1).reshape(*packed.shape[:-1], -1).astype(np.float32)
        written = (codes - 8) * scales.repeat(32, axis=-1)
        np.testing.assert_allclose(written[:, 0::2], trained[:, : SMALL.expert_inner], rtol=1e-6)
        np.testing.assert_allclose(written[:, 1::2], trained[:, SMALL.expert_inner :], rtol=1e-6)

    def test_every_input_of_a_node_exists(self):
        known = {given.name for given in self.graph.input} | set(self.tensors) | {""}
        for node in self.graph.node:
            self.assertLessEqual(set(node.input), known, node.name)
            known |= set(node.output)
        self.assertLessEqual({output.name for output in self.graph.output}, known)

    def test_a_checkpoint_loads_back(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "checkpoint.pt"
            torch.save({"config": asdict(SMALL), "weights": self.net.state_dict()}, file)
            loaded = export.load(file)
        ids = torch.randint(SMALL.vocabulary, (2, 5))
        self.net.quantise_experts()
        torch.testing.assert_close(loaded(ids)[0], self.net.eval()(ids)[0])


class QuantiseTest(unittest.TestCase):
    def test_a_rounded_weight_is_off_by_half_a_step_or_at_the_far_end_by_one(self):
        torch.manual_seed(3)
        weights = torch.randn(5, 7, 96)
        weights[0, 0, :32] = 0
        error = (quantise.straight_through(weights) - weights).unflatten(-1, (-1, 32)).abs()
        steps = quantise.scales_of(weights).abs()[..., None]
        self.assertTrue((error <= steps * 1.001 + 1e-9).all())
        self.assertLess((error > 0.51 * steps).float().mean(), 0.02)

    def test_gradients_pass(self):
        weights = torch.randn(2, 3, 32, requires_grad=True)
        quantise.straight_through(weights).sum().backward()
        self.assertTrue((weights.grad == 1).all())


if __name__ == "__main__":
    unittest.main()
