#!/usr/bin/env python3
"""Writes tiny/ (a random two-layer BERT with its vocabulary) and the expected answers beside it.

    python3 -m venv V && V/bin/pip install tokenizers numpy torch sentence-transformers
    V/bin/python make_fixtures.py "$(scripts/fetch-model | tail -1)"

tiny/*          vocabulary, weights and configuration; expected.json: token ids by `tokenizers`, vectors by the
                float64 forward pass below.
minilm.json     texts with token ids of the real model, and reference vectors by sentence-transformers for a few.
All texts were made up for this repository.
"""
import base64
import json
import math
import os
import random
import struct
import sys
import numpy as np
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing

HERE = os.path.dirname(os.path.abspath(__file__))
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
TEXTS = [
    "", " ", "\t\n\r ", "hello", "Hello, World!", "The swift is the fastest bird in level flight.",
    "needle needles needling unneedled", "don't stop-believing: it's 3.14159 (or $5,000)!?",
    "UPPER lower MiXeD CamelCase snake_case kebab-case", "a" * 100, "a" * 101, "b" * 100 + " c",
    "na\u00efve caf\u00e9 r\u00e9sum\u00e9 \u00c5ngstr\u00f6m Stra\u00dfe \u1e9e",
    "nai\u0308ve cafe\u0301 re\u0301sume\u0301 A\u030angstro\u0308m",
    "\u0130stanbul \u0131s\u0131 I\u0307", "\u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2 \u03a3\u039f\u03a6\u039f\u03a3 \u1f08\u03c7\u03b9\u03bb\u03bb\u03b5\u03cd\u03c2",
    "\u0420\u0443\u0441\u0441\u043a\u0438\u0439 \u0439\u043e\u0433 \u0401\u043b\u043a\u0430 \u0407\u0436\u0430\u043a",
    "\u5fb7\u56fd\u306e\u9244\u9053 \u30d9\u30eb\u30ea\u30f3 \u304c\u304e\u3050 \u30f4\u30a1\u30a4\u30aa\u30ea\u30f3", "\u5317\u4eac\u5e02abc\u4e0a\u6d77", "\U00020000\U0002b820\uf900\U0002f800\u3007",
    "\ud55c\uad6d\uc5b4 \uac00\uac01\ud7a3 \u1100\u1161\u11a8", "\u0939\u093f\u0928\u094d\u0926\u0940 \u0915\u093c \u0958 \u0995\u09cb \u09cb",
    "\u0627\u0644\u0639\u064e\u0631\u064e\u0628\u0650\u064a\u0651\u0629 \u0622\u0628 \u0623\u0645 \u06d4", "\u05e9\u05b8\u05c1\u05dc\u05d5\u05b9\u05dd \ufb2a\ufb4e", "\u0e20\u0e32\u0e29\u0e32\u0e44\u0e17\u0e22 \u0e19\u0e49\u0e33",
    "Ti\u1ebfng Vi\u1ec7t \u0111\u01b0\u1eddng \u01a0\u01af", "emoji \U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f \U0001f1e9\U0001f1ea \U0001f44d\U0001f3fd",
    "zero\u200bwidth soft\u00adhyphen \ufeffbom \u2060joiner", "nul\x00byte \x07bell \x7fdel \x85nel \ufffdrepl",
    "a\u00a0b\u2003c\u3000d\u2028e\u202ff\u1680g", "\u00abquote\u00bb \u201cdouble\u201d \u2018single\u2019 \u2013dash\u2014 \u2026 \u00bfque\u00a1",
    "x^2+y_1=~z|w`v <tag> {a} [b] \\c/ #d @e %f &g *h", "[CLS] [SEP] [MASK] [UNK] [PAD] [cls] [MASK", "a[SEP]b [MASK]c[CLS]",
    "\ue000private\uf8ff \U000f0000 \u0378unassigned \U000e0001tag", "\u212a\u212b\u2126 \u037e \u1fef \u0340\u0341 \u0344",
    "o\u0302\u0323 o\u0323\u0302 \u1ed9 q\u0307\u0323", "\u302e\u3099x \U0001d165\U0001d16d\u0327 a\U0001e000\U00011446\u0301\U0001d15e",
    "\u24b6\u24d0 \u2160\u2170 \u2c00\u2c30 \ua640\ua641 \U00010400\U00010428 \uff21\uff41",
    "\u00df\ufb01\ufb03 \u00bd\u00b2\u2074 \u2460 \u00aa\u00ba \u2122", "tab\tnew\nline\rreturn\x0bvt\x0cff",
    "word " * 40, "\u4e2d" * 70, "!" * 70, "\u0301\u0302\u0303", "e\u0301" * 40,
]
VECTOR_TEXTS = [
    "", "A swift sleeps on the wing.", "How do I retouch photographs?", "write-ahead log with group commit",
    "\u5317\u4eac\u5e02 na\u00efve caf\u00e9 \ud55c\uad6d\uc5b4 \U0001f600",
    "The nearest neighbours of a vector are those points whose distance to it is smallest. " * 30,
]


def reference(vocabulary, limit):
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = BertNormalizer(
        clean_text=True, handle_chinese_chars=True, strip_accents=None, lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.add_special_tokens(SPECIAL)
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[(s, vocabulary[s]) for s in ("[CLS]", "[SEP]")])
    tokenizer.enable_truncation(limit)
    return tokenizer


def tiny_vocabulary():
    """Whole words, beginnings and endings, and every scalar that the texts normalise to."""
    normal = BertNormalizer(clean_text=True, handle_chinese_chars=True, strip_accents=None, lowercase=True)
    split = BertPreTokenizer()
    words = [w for t in TEXTS for w, _ in split.pre_tokenize_str(normal.normalize_str(t))]
    scalars = sorted({c for w in words for c in w} | set("abcdefghijklmnopqrstuvwxyz0123456789"))
    rare = set("q\U00020000")  # left out, so that unknown words stay
    pieces = ["hello", "world", "swift", "fast", "##est", "needle", "##s", "##ling", "un", "##needle", "the", "##ed"]
    lines = SPECIAL + pieces + [c for c in scalars if c not in rare] + ["##" + c for c in scalars if c not in rare]
    return list(dict.fromkeys(lines))


H, LAYERS, HEADS, WIDE, POSITIONS, LIMIT, EPSILON = 8, 2, 2, 20, 64, 48, 1e-12


def tiny_weights(count):
    r = np.random.default_rng(20240229)
    draw = lambda *shape: (r.standard_normal(shape) * 0.4).astype("<f4")
    scale = lambda: (1 + 0.2 * r.standard_normal(H)).astype("<f4")
    t = {
        "embeddings.word_embeddings.weight": draw(count, H),
        "embeddings.position_embeddings.weight": draw(POSITIONS, H),
        "embeddings.token_type_embeddings.weight": draw(2, H),
        "embeddings.LayerNorm.weight": scale(), "embeddings.LayerNorm.bias": draw(H),
    }
    for i in range(LAYERS):
        p = f"encoder.layer.{i}."
        for name in ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"):
            t[p + name + ".weight"], t[p + name + ".bias"] = draw(H, H), draw(H)
        t[p + "intermediate.dense.weight"], t[p + "intermediate.dense.bias"] = draw(WIDE, H), draw(WIDE)
        t[p + "output.dense.weight"], t[p + "output.dense.bias"] = draw(H, WIDE), draw(H)
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            t[p + name + ".weight"], t[p + name + ".bias"] = scale(), draw(H)
    return t


def forward(t, ids, pooling):
    t = {k: v.astype("f8") for k, v in t.items()}

    def norm(x, name):
        c = x - x.mean(-1, keepdims=True)
        return c / np.sqrt((c * c).mean(-1, keepdims=True) + EPSILON) * t[name + ".weight"] + t[name + ".bias"]

    def linear(x, name):
        return x @ t[name + ".weight"].T + t[name + ".bias"]

    x = t["embeddings.word_embeddings.weight"][ids] + t["embeddings.position_embeddings.weight"][: len(ids)]
    x = norm(x + t["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    for i in range(LAYERS):
        p = f"encoder.layer.{i}."
        q, k, v = (
            linear(x, p + "attention.self." + n).reshape(len(ids), HEADS, -1).swapaxes(0, 1)
            for n in ("query", "key", "value"))
        s = q @ k.swapaxes(1, 2) / math.sqrt(H // HEADS)
        s = np.exp(s - s.max(-1, keepdims=True))
        mixed = (s / s.sum(-1, keepdims=True) @ v).swapaxes(0, 1).reshape(len(ids), H)
        x = norm(x + linear(mixed, p + "attention.output.dense"), p + "attention.output.LayerNorm")
        wide = linear(x, p + "intermediate.dense")
        wide = wide * 0.5 * (1 + np.vectorize(math.erf)(wide / math.sqrt(2)))
        x = norm(x + linear(wide, p + "output.dense"), p + "output.LayerNorm")
    vector = x.mean(0) if pooling == "mean" else x[0]
    return vector / np.linalg.norm(vector)


def save(path, tensors):
    header, offset = {}, 0
    for name, value in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": [offset, offset + value.nbytes]}
        offset += value.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text + b"".join(v.tobytes() for v in tensors.values()))


def dump(path, value):
    with open(path, "w") as out:
        json.dump(value, out, ensure_ascii=True, indent=1)
        out.write("\n")


def main():
    tiny = os.path.join(HERE, "tiny")
    os.makedirs(os.path.join(tiny, "1_Pooling"), exist_ok=True)
    lines = tiny_vocabulary()
    with open(os.path.join(tiny, "vocab.txt"), "w", encoding="utf-8", newline="\n") as out:
        out.write("\n".join(lines) + "\n")
    weights = tiny_weights(len(lines))
    save(os.path.join(tiny, "model.safetensors"), weights)
    dump(os.path.join(tiny, "config.json"), {
        "model_type": "bert", "hidden_act": "gelu", "hidden_size": H, "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS, "intermediate_size": WIDE, "max_position_embeddings": POSITIONS,
        "vocab_size": len(lines), "type_vocab_size": 2, "layer_norm_eps": EPSILON})
    dump(os.path.join(tiny, "1_Pooling", "config.json"), {
        "word_embedding_dimension": H, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True})
    dump(os.path.join(tiny, "sentence_bert_config.json"), {"max_seq_length": LIMIT, "do_lower_case": False})
    tokenizer = reference({piece: i for i, piece in enumerate(lines)}, LIMIT)
    cases = []
    for text in TEXTS:
        encoding = tokenizer.encode(text)
        cases.append({
            "text": text, "ids": encoding.ids, "truncated": len(encoding.overflowing) > 0,
            "mean": [round(float(x), 9) for x in forward(weights, encoding.ids, "mean")],
            "cls": [round(float(x), 9) for x in forward(weights, encoding.ids, "cls")]})
    dump(os.path.join(tiny, "expected.json"), cases)

    model = sys.argv[1]
    with open(os.path.join(model, "vocab.txt"), encoding="utf-8") as file:
        real = reference({line.rstrip("\n"): i for i, line in enumerate(file)}, 256)
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Normalize, Pooling, Transformer
    transformer = Transformer(model, max_seq_length=256)
    encoder = SentenceTransformer(
        modules=[transformer, Pooling(384, pooling_mode="mean"), Normalize()], device="cpu")
    vectors = encoder.encode(VECTOR_TEXTS, batch_size=1).astype("<f4")
    dump(os.path.join(HERE, "minilm.json"), {
        "tokens": [{"text": t, "ids": real.encode(t).ids} for t in TEXTS],
        "vectors": [
            {"text": t, "ids": real.encode(t).ids, "float32": base64.b64encode(v.tobytes()).decode()}
            for t, v in zip(VECTOR_TEXTS, vectors)]})


main()
