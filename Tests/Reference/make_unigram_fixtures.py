"""Writes Tests/Fixtures/tokenization/unigram.json and components.json: what `tokenizers` (0.23.3) and `transformers` (5) make of
texts with tokenizers of SentencePiece's kind, in twelve scripts and more.

    python Tests/Reference/make_unigram_fixtures.py

All texts are written in unigram_material.py; the vocabularies are trained on them by `sentencepiece` (0.2.3).
"""
import json
import os
import random

from tokenizers import models, normalizers, pre_tokenizers

import unigram_material as material
from tokenizer_lines import random_strings

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../Fixtures/tokenization")


def result(encoding):
    return {"ids": encoding.ids, "tokens": encoding.tokens, "offsets": encoding.offsets, "words": encoding.word_ids}


def case(name, tokenizer, texts, pairs=(), files=None):
    # Only what differs between texts: a case is a tokenizer.json, other files beside it, texts and results.
    return {"name": name, "document": json.loads(tokenizer.to_str()), "files": files or {}, "texts": list(texts),
            "results": [result(tokenizer.encode(t)) for t in texts], "pairs": [list(p) for p in pairs],
            "pair_results": [result(e) | {"segments": e.type_ids} for e in (tokenizer.encode(*p) for p in pairs)]}


def write(name, value):
    with open(os.path.join(FOLDER, name), "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=True, separators=(",", ":"))
        file.write("\n")


def unigram_cases():
    model = material.model_bytes(rules=material.SMALL_RULES)
    texts = material.SENTENCES + material.TRICKY
    pairs = list(zip(material.SENTENCES[:4], material.TRICKY[10:14]))
    cases = []
    python = material.xlm_roberta(model, model_max_length=128)
    configuration = {"tokenizer_class": "XLMRobertaTokenizer", "model_max_length": 128}
    words = [t for t, _ in material.pieces(model)]
    noise = list(random_strings(30, words + material.TRICKY, 7))
    cases.append(case("xlm-roberta", python.backend_tokenizer, texts + noise, pairs, {"tokenizer_config.json": configuration}))
    mask = {"content": "<mask>", "lstrip": True, "rstrip": False, "normalized": False, "single_word": False, "special": True}
    lstrip = material.xlm_roberta(model, mask_token=mask | {"__type": "AddedToken"}, add_prefix_space=False)
    cases.append(case("mask and no prefix", lstrip.backend_tokenizer, material.TRICKY[:30], [], {
        "tokenizer_config.json": configuration | {"mask_token": mask | {"__type": "AddedToken"}, "add_prefix_space": False}}))
    pieces = material.pieces(model)
    generic = normalizers.Sequence([normalizers.Precompiled(material.rules_of(model)), normalizers.Strip(False, True),
                                    normalizers.Replace(material.Regex(" {2,}"), "▁")])
    tokenizer = material.unigram(pieces, 0, False, generic, pre_tokenizers.Metaspace())
    cases.append(case("generic", material.framed(tokenizer, "<s>", "</s>"), material.TRICKY, pairs))
    bytes_model = pieces[:3] + material.BYTES + pieces[3:200]
    tokenizer = material.unigram(bytes_model, 0, True, None, pre_tokenizers.Metaspace("▁", "first"))
    cases.append(case("bytes", tokenizer, material.TRICKY + material.SENTENCES[::4]))
    tokenizer = material.unigram(bytes_model[:200] + bytes_model[240:], 0, True, normalizers.NFKC(), pre_tokenizers.Metaspace())
    cases.append(case("some bytes", tokenizer, material.TRICKY[20:40]))
    tokenizer = material.unigram(pieces, 0, False, normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()]),
                                 pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]))
    cases.append(case("added", material.add(tokenizer), material.ADDED_TEXTS, list(zip(material.ADDED_TEXTS, material.ADDED_TEXTS[1:]))))
    for name, (vocabulary, unknown) in material.EDGES.items():
        cases.append(case(name, material.unigram(vocabulary, unknown), material.EDGE_TEXTS))
    return cases


def component_cases():
    noise = list(random_strings(40, ["a", "é", "▁", "\u0301", "½", "ﾊﾟ", "क्", "☺\u200d"] + material.TRICKY, 3))
    texts = material.TRICKY + noise

    def digest(tokenizer):
        """What becomes of eight texts at a time: FNV-1a over tokens and offsets."""
        values = []
        for first in range(0, len(texts), 8):
            value = 0xCBF29CE484222325
            for encoding in tokenizer.encode_batch(texts[first:first + 8]):
                for token, (start, end) in zip(encoding.tokens, encoding.offsets):
                    for part in (*token.encode(), start & 0xFF, end & 0xFF, 0xFF):
                        value = (value ^ part) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
            values.append(f"{value:016x}")
        return values

    cases = []
    for kind, table in (("normalizer", material.NORMALIZERS), ("pre_tokenizer", material.PRE_TOKENIZERS)):
        for name, component in table.items():
            tokenizer = material.bare(**{kind: component})
            cases.append({"name": name, "component": json.loads(tokenizer.to_str())[kind], "kind": kind, "digests": digest(tokenizer)})
    return {"texts": texts, "cases": cases}


def main():
    random.seed(1)
    write("unigram.json", unigram_cases())
    write("components.json", component_cases())


main()
