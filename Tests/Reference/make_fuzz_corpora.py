#!/usr/bin/env python3
"""Writes the seeds of the fuzz targets into Fuzz/Corpora and the dictionaries into Fuzz/Dictionaries.

Most seeds are golden files of Tests/Fixtures, so run it after those were made anew. Needs nothing beside Python. Files
named found-* are findings and stay.
"""
import json
import shutil
import struct
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "Tests/Fixtures"
CORPORA = ROOT / "Fuzz/Corpora"
DICTIONARIES = ROOT / "Fuzz/Dictionaries"


def seed(target, name, content):
    if isinstance(content, str):
        content = content.encode()
    elif not isinstance(content, bytes):
        content = json.dumps(content, ensure_ascii=False).encode()
    assert len(content) < 16384, (target, name, len(content))
    (CORPORA / target).mkdir(parents=True, exist_ok=True)
    (CORPORA / target / name).write_bytes(content)


def fixture(path):
    return (FIXTURES / path).read_bytes()


def safetensors(tensors, metadata=None):
    """tensors: name -> (dtype, shape, bytes)"""
    header, data = {}, b""
    if metadata:
        header["__metadata__"] = metadata
    for name, (dtype, shape, values) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def floats(*values):
    return struct.pack(f"<{len(values)}f", *values)


MASK = (1 << 64) - 1


class Fingerprint:
    """ModelFormats' Fingerprint."""

    def __init__(self):
        self.value = 0x9E3779B97F4A7C15

    def word(self, word):
        value = ((self.value ^ word) * 0xD6E8FEB86659FD93) & MASK
        self.value = (value << 29 | value >> 35) & MASK

    def add(self, content):
        self.word(len(content))
        whole = len(content) & ~7
        for place in range(0, whole, 8):
            self.word(struct.unpack_from("<Q", content, place)[0])
        if whole != len(content):
            self.word(int.from_bytes(content[whole:], "big"))
        return self


def teacher_cache(parts, lengths, records, config):
    description = {
        "teacher": "t", "config": config, "parameters": 10, "results": {}, "max_length": 8,
        "fingerprints": {"teacher": "00", "tokenizer": None, "data": "00"}, "parts": parts, "examples": len(lengths),
    }
    text = json.dumps(description).encode()
    text += b" " * (-len(text) % 8)
    table = struct.pack(f"<{len(lengths)}I", *lengths)
    table += b"\0" * (-len(table) % 8)
    head = b"potstill" + struct.pack("<QQQ", 1, len(text), Fingerprint().add(text).add(table).value)
    padded = [record + b"\0" * (-len(record) % 8) for record in records]
    checksums = b"".join(struct.pack("<Q", max(1, Fingerprint().add(record).value)) for record in padded)
    return head + text + table + checksums + b"".join(padded)


def models():
    for name in ["formats/values", "dtypes/logits", "int8/one_row"]:
        seed("safetensors", "good-" + name.replace("/", "-"), fixture(name + ".safetensors"))
    small = {"a": ("F32", [2, 2], floats(1, 2, 3, 4)), "b": ("I64", [1], struct.pack("<q", 7)), "c": ("BF16", [], b"\0\1")}
    whole = safetensors(small, {"format": "pt"})
    seed("safetensors", "good-small", whole)
    seed("safetensors", "good-empty", safetensors({}))
    seed("safetensors", "bad-cut", whole[:-3])
    seed("safetensors", "bad-overlap", whole.replace(b"[16, 24]", b"[ 8, 16]"))
    for name in ["tensors", "protocol4", "module", "zip64", "big_endian", "expanded"]:
        # What torch.save wrote, some of it refused by design.
        seed("pytorch", "seed-" + name, fixture(f"formats/{name}.bin"))
    seed("pytorch", "good-tensors", fixture("formats/tensors.bin"))
    for name in ["legacy", "compressed", "program", "numpy", "training"]:
        seed("pytorch", "bad-" + name, fixture(f"formats/{name}.bin"))
    shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    index = {"metadata": {"total_size": 16}, "weight_map": {"a": shards[0], "b": shards[1]}}
    seed("shard-index", "good-two", index)
    seed("shard-index", "good-one", {"weight_map": {"a": shards[0]}})
    for name, shard in {"up": "../x.safetensors", "absolute": "/etc/passwd", "missing": "x.safetensors", "empty": ""}.items():
        seed("shard-index", "bad-" + name, {"weight_map": {"a": shard}})
    for path in sorted((FIXTURES / "encoders").iterdir()):
        seed("config", "good-" + path.name, (path / "config.json").read_bytes())
    seed("config", "good-low-rank", fixture("low_rank/config.json"))
    seed("config", "good-pruned", fixture("masks/config.json"))
    seed("config", "bad-type", {"model_type": "gpt9"})
    seed("config", "bad-heads", {"model_type": "bert", "hidden_size": 10, "num_attention_heads": 3})


def tokenizers():
    for case in json.loads(fixture("tokenization/unigram.json")):
        if case["name"] in ["bytes", "xlm-roberta", "doc", "fused", "last"]:
            document = case["document"]
            pieces = document["model"]["vocab"]
            # All bytes and the specials would hide what else there is.
            seed("tokenizer", "good-unigram-" + case["name"].replace(" ", "-"), document) if len(pieces) < 20 else None
            document = json.loads(json.dumps(document))
            document["model"]["vocab"] = pieces[:60]
            document["model"]["byte_fallback"] = False
            if document["model"].get("unk_id", 0) < 60:
                seed("tokenizer", "seed-unigram-" + case["name"].replace(" ", "-"), document)
    seed("tokenizer", "seed-template", fixture("tokenization/template.json"))
    documents = json.loads(fixture("tokenization/folders.json"))["documents"]
    for number in [0, 5, 7, 12, 16]:
        seed("tokenizer", f"seed-folder-{number}", documents[number])
    words = {word: number for number, word in enumerate(["[UNK]", "[CLS]", "[SEP]", "a", "##b", "\u5317"])}
    model = {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
             "max_input_chars_per_word": 100, "vocab": words}
    post = {"type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [1], "tokens": ["[CLS]"]}}}
    added = [{"id": 7, "content": "<x>", "single_word": True, "lstrip": True, "rstrip": False, "normalized": True,
              "special": True}]
    seed("tokenizer", "good-wordpiece", {
        "version": "1.0", "added_tokens": added, "normalizer": {"type": "BertNormalizer", "clean_text": True,
        "handle_chinese_chars": True, "strip_accents": None, "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"}, "post_processor": post, "decoder": None, "model": model})
    pairs = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
             "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False,
             "vocab": {"a": 0, "b": 1, "ab": 2, "\u0120": 3, "\u0120a": 4}, "merges": ["a b", "\u0120 a"]}
    seed("tokenizer", "seed-bpe", {
        "added_tokens": [], "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
        "post_processor": {"type": "RobertaProcessing", "sep": ["b", 1], "cls": ["a", 0], "trim_offsets": True,
                           "add_prefix_space": False}, "model": pairs})
    components = json.loads(fixture("tokenization/components.json"))["cases"]
    tiny = {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0], ["\u2581a", -1.5], ["b", -2]]}
    for kind, key, list_key in [("normalizer", "normalizer", "normalizers"), ("pre_tokenizer", "pre_tokenizer", "pretokenizers")]:
        parts = [case["component"] for case in components if case["kind"] == kind and len(json.dumps(case["component"])) < 400]
        for number in range(0, len(parts), 8):
            seed("tokenizer", f"good-{kind}-{number // 8}".replace("_", ""), {
                key: {"type": "Sequence", list_key: parts[number:number + 8]}, "model": tiny})
    seed("tokenizer", "bad-model", {"model": {"type": "WordLevel", "vocab": {}}})
    seed("tokenizer", "bad-segment", {"model": dict(model, vocab=[])})
    seed("tokenizer-config", "good-bert", {"tokenizer_class": "BertTokenizer", "do_lower_case": True, "cls_token": "[CLS]",
         "sep_token": "[SEP]", "model_max_length": 512, "strip_accents": None, "tokenize_chinese_chars": True,
         "added_tokens_decoder": {"0": {"content": "[PAD]", "lstrip": False, "special": True}}})
    seed("tokenizer-config", "good-plain", {"tokenizer_class": "PreTrainedTokenizerFast", "mask_token": {"content": "[MASK]"}})
    seed("tokenizer-config", "bad-kind", [1, 2])
    vocabulary = fixture("tokenization/vocab.txt").decode().split("\n")
    seed("vocabulary", "good-fixture", "\n".join(vocabulary))
    seed("vocabulary", "good-small", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\n##s\n\u5317\n")
    seed("vocabulary", "bad-empty", "")
    seed("vocabulary", "bad-bytes", b"[UNK]\n\xff\xfe\n")
    vocab = {token: number for number, token in enumerate(["<s>", "<pad>", "</s>", "<unk>", "<mask>", "\u0120"] + [chr(c) for c in [*range(33, 127), *range(161, 173), *range(174, 256), *range(256, 288), *range(289, 324)]] + ["ab"])}
    seed("byte-pair-files", "good-small", json.dumps(vocab) + "\0#version: 0.2\na b\n")
    seed("byte-pair-files", "good-fixture", fixture("tokenization/byte_level_vocab.json")[:0] + json.dumps(vocab).encode() + b"\0a b\n")
    seed("byte-pair-files", "bad-merge", json.dumps(vocab) + "\0#version: 0.2\na q\n")
    seed("byte-pair-files", "bad-ids", '{"a": -1, "b": 4294967296}\0')
    for path in sorted((FIXTURES / "tokenization/sentencepiece").glob("*.model")):
        if len(path.read_bytes()) < 16384:
            seed("sentencepiece", "seed-" + path.stem, path.read_bytes())

    def field(number, content):
        if isinstance(content, int):
            return bytes([number << 3, content]) if number < 16 else bytes([number << 3 & 0x7F | 0x80, number >> 4, content])
        if isinstance(content, float):
            return bytes([number << 3 | 5]) + struct.pack("<f", content)
        return bytes([number << 3 | 2, len(content)]) + content

    def piece(text, score, kind):
        return field(1, field(1, text.encode()) + field(2, score) + field(3, kind))

    for algorithm in [1, 2]:
        pieces = [("<unk>", 0.0, 2), ("<s>", 0.0, 3), ("</s>", 0.0, 3), ("\u2581", -1.0, 1), ("a", -2.0, 1), ("b", -3.0, 1),
                  ("ab", -1.5, 1), ("<x>", 0.0, 4)]
        model = b"".join(piece(*entry) for entry in pieces)
        model += field(2, field(3, algorithm)) + field(3, field(3, 1) + field(4, 1))
        seed("sentencepiece", f"good-small-{algorithm}", model)
    seed("sentencepiece", "bad-cut", model[:-7])
    seed("sentencepiece", "bad-empty", b"")


def rows():
    for name, mark in [("tsv", "\t"), ("csv", ",")]:
        lines = [["sentence", "other", "label"], ["a fine film", "x", "0"], ["\u5317\u4eac \u00e9", "y", "1"]]
        seed(name, "good-table", "".join(mark.join(line) + "\n" for line in lines))
        seed(name, "seed-answers", mark.join(["id", "text", "probabilities"]) + "\n" + mark.join(["1", "b", "0.25 0.75"]) + "\n")
        seed(name, "bad-width", "sentence" + mark + "label\na" + mark + "0" + mark + "x\n")
    seed("csv", "seed-quotes", 'sentence,other,label\n"a, ""b""\nc",x,1\r\n"",y,0\n')
    seed("csv", "bad-quote", 'sentence,label\n"a,1\n')
    rows = [{"sentence": "a fine film", "label": "0"}, {"sentence": "b", "label": 1, "other": "x"},
            {"tokens": ["A", "b"], "tags": ["B-PER", "O"]}, {"text": "t", "probabilities": {"a": 0.25, "b": 0.75}},
            {"question": "q", "context": "the c", "answers": {"text": ["c"], "answer_start": [4]}}]
    seed("jsonl", "good-plain", '{"sentence": "a", "label": "0"}\n{"sentence": "b", "label": 1}\n')
    seed("jsonl", "seed-rows", "".join(json.dumps(row) + "\n" for row in rows))
    seed("jsonl", "bad-line", '{"sentence": "a"\n[]\n')
    seed("json", "seed-rows", rows)
    seed("json", "good-data", {"data": rows[:2]})
    seed("json", "bad-object", {"rows": 1})
    seed("conll", "good-columns", "-DOCSTART- O\n\nAnna NNP B-PER\nlives VBZ O\n\nin IN O\nParis NNP B-LOC\n")
    seed("conll", "seed-characters", "\u62710 B-PER\n\u6771 I-PER\n\n")
    seed("conll", "bad-tag", "a B-XYZ\nb\n")
    question = {"id": "q1", "question": "Who?", "answers": [{"text": "Anna", "answer_start": 0}], "is_impossible": False}
    seed("squad", "good-squad", {"version": "v2.0", "data": [{"title": "t", "paragraphs": [
        {"context": "Anna lives in Paris.", "qas": [question, dict(question, id="q2", answers=[], is_impossible=True)]}]}]})
    seed("squad", "seed-cmrc", [{"context_id": "c", "context_text": "\u5317\u4eac\u5927\u5b66", "qas": [
        {"query_id": "q", "query_text": "\u54ea?", "answers": ["\u5317\u4eac"]}]}])
    seed("squad", "bad-data", {"data": 7})
    seed("squad", "seed-start", {"data": [{"paragraphs": [{"context": "c", "qas": [
        {"id": 1, "question": "q", "answers": [{"text": "zz", "answer_start": 1e18}]}]}]}]})
    seed("text", "good-lines", "a fine film\n\n\u5317\u4eac\r\n{\"text\": \"a\"}\n")
    seed("text", "bad-returns", "a\rb\rc\r")


def settings():
    seed("recipe", "good-distill", "task: sst2\nteacher: [t1, t2]\nstudent: T3\ntraining:\n  learning_rate: 5e-5\n  seed: 3\n"
         "distillation: {temperature: 8, kd_loss_type: ce}\nmatch:\n- {layer_T: 1, layer_S: 1, loss: hidden_mse, weight: 0.5}\n")
    seed("recipe", "good-pretrain", "config: T4-tiny\ntokenizer: x\ninput: [a.txt]\nmlm_probability: 0.15\n")
    seed("recipe", "good-anchors", "output: &a x\nteacher: *a\n")
    seed("recipe", "bad-key", "tasks_of: 1\n")
    seed("recipe", "bad-yaml", "task: [a\nb: }\n")
    for name in ["sst2", "mnli", "squad_v2", "weibo-ner", "stsb", "cmrc2018"]:
        seed("task", "good-" + name, (ROOT / f"tasks/{name}.yaml").read_bytes())
    seed("task", "bad-key", "name: t\nkind: classification\nlabelz: 1\n")
    seed("task", "bad-kind", "name: t\nkind: poetry\n")


def runs():
    config = json.loads(fixture("encoders/classifier/config.json"))
    hidden = config["hidden_size"]
    lengths = [3, 2]
    logits = {"kind": "logits", "index": 0, "width": 2, "one_row": True, "vector": False}
    states = {"kind": "hidden", "index": 1, "width": hidden, "one_row": False, "vector": False}
    records = [floats(1, 2) + b"\0\x3c" * (hidden * length) for length in lengths]
    seed("teacher-cache", "seed-hidden", teacher_cache([logits, states], lengths, records, config))
    seed("teacher-cache", "good-logits", teacher_cache([logits], lengths, [floats(1, 2)] * 2, config))
    seed("teacher-cache", "bad-size", teacher_cache([logits], lengths, [floats(1, 2)] * 2, config)[:-8])
    seed("teacher-cache", "bad-version", b"potstill" + struct.pack("<QQQ", 9, 0, 0))
    magic = struct.pack("<Q", 0x504F5453544F4B31)
    corpus = magic + struct.pack("<4i", 1, 2, 3, 4) + struct.pack("<2q", 1, 4) + struct.pack("<4Q", 2, 2, 0, 7) + magic
    seed("tokenized-corpus", "good-two", corpus)
    seed("tokenized-corpus", "bad-cut", corpus[:20] + corpus[24:])
    state = {"best_global_step": 2, "best_metric": 0.5, "best_model_checkpoint": "checkpoint-2", "epoch": 1.5,
             "early_stopping_patience_counter": 0, "examples_seen": 10, "global_step": 4, "loss_sum": 1.5, "max_steps": 10,
             "log_history": [{"step": 1, "loss": 0.5}], "num_input_tokens_seen": 100, "train_runtime": 1.5,
             "loss_window": {"steps": 1, "loss_sum": 0.5, "part_sums": {"ce": 0.5}, "part_steps": {"ce": 1}, "examples": 2,
                             "tokens": 3, "seconds": 0.1},
             "lr_scheduler": {"best": 0.5, "num_bad_epochs": 0, "cooldown_counter": 0}}
    del state["lr_scheduler"]
    seed("trainer-state", "good-state", state)
    seed("trainer-state", "bad-step", dict(state, global_step=5000))
    seed("trainer-state", "bad-path", dict(state, best_model_checkpoint="../../x"))
    checksum = "%016x" % fingerprint_of_file(b"{}")
    files = {name: {"bytes": 2, "checksum": checksum} for name in ["trainer_state.json", "optimizer.safetensors"]}
    manifest = {"version": 2, "step": 4, "epoch": 0, "row": 3, "files": files,
                "run": {"model": "m", "teachers": [], "rows": "r", "order": "o", "settings": {}, "training_config": {"seed": 1}}}
    seed("checkpoint-manifest", "good-manifest", manifest)
    seed("checkpoint-manifest", "bad-path", dict(manifest, files=dict(files, **{"../x": files["trainer_state.json"]})))
    seed("checkpoint-manifest", "bad-version", dict(manifest, version=9))
    tensors = {}
    for name, count in [("w", 4), ("b", 2)]:
        shape = [2, 2] if count == 4 else [2]
        tensors[name + ".step"] = ("F32", [2], floats(0, 3))
        tensors[name + ".exp_avg"] = ("F32", shape, floats(*[0.5] * count))
        tensors[name + ".exp_avg_sq"] = ("F32", shape, floats(*[0.5] * count))
    seed("optimizer", "good-adamw", safetensors(tensors, {"optimizer": "AdamW"}))
    seed("optimizer", "bad-shape", safetensors(dict(tensors, **{"w.exp_avg": ("F32", [4], floats(1, 2, 3, 4))})))
    for name, number in {"nan": float("nan"), "inf": float("inf"), "negative": -1.0, "huge": 3e38, "half": 0.5}.items():
        seed("optimizer", "bad-step-" + name, safetensors(dict(tensors, **{"w.step": ("F32", [2], floats(number, 3))})))
    squad = {"data": [{"paragraphs": [{"context": "c", "qas": [{"id": "a", "question": "q", "answers": [{"text": "the cat"}]}]}]}]}
    pairs = [({"a": "cat"}, squad), ({"a": ""}, squad), ({"a": "\u732b"}, [{"qas": [{"query_id": "a", "answers": ["\u732b"]}]}]),
             ("a B-PER\nb O\n", "a B-PER\nb I-PER\n"), ("index\tprediction\n1\ta\n0\tb\n", "s\tlabel\nx\ta\ny\tb\n"),
             ("prediction\na\nb\n", "s,label\n\"x\n\",a\ny,b\n"), ('{"prediction": "a"}\n', '{"label": "a"}\n'),
             ('{"prediction": ["a", "b"]}\n', '{"label": ["a"]}\n'), ("prediction\na,b\n", "label\na\n"),
             ("1.5\n2\n3\n", "1\n2\n4\n")]
    for number, (predictions, gold) in enumerate(pairs):
        parts = [part if isinstance(part, str) else json.dumps(part, ensure_ascii=False) for part in (predictions, gold)]
        seed("score", f"good-{number}", str(number) + "\0".join(parts))
        seed("score", f"bad-{number}", str(number) + parts[0] + "\0")


def fingerprint_of_file(content):
    fingerprint = Fingerprint()
    fingerprint.add(content)
    return fingerprint.value


def dictionary(target, words):
    DICTIONARIES.mkdir(parents=True, exist_ok=True)
    lines = ['"' + "".join(chr(b) if 32 <= b < 127 and b not in (34, 92) else f"\\x{b:02X}" for b in word) + '"' for word in words]
    (DICTIONARIES / f"{target}.dict").write_text("\n".join(lines) + "\n")


def keys(value):
    """All keys of a structure, and its short texts."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner)
    elif isinstance(value, str) and len(value) < 24:
        yield value


def dictionaries():
    numbers = ["-1", "9223372036854775807", "-9223372036854775808", "1e999", "4294967296", "2147483647", "null", "true", "[]", "{}"]
    for target in ["config", "tokenizer", "tokenizer-config", "shard-index", "trainer-state", "checkpoint-manifest", "squad"]:
        words = set()
        for path in (CORPORA / target).iterdir():
            words |= set(keys(json.loads(path.read_bytes())))
        words = sorted(word for word in words if 2 < len(word) < 40)[:300]
        dictionary(target, [f'"{word}"'.encode() for word in words] + [number.encode() for number in numbers])
    dictionary("safetensors", [word.encode() for word in [
        '"__metadata__"', '"dtype"', '"shape"', '"data_offsets"', '"F32"', '"F16"', '"BF16"', '"F64"', '"I64"', '"U8"', '"BOOL"']
        + numbers])
    opcodes = [b"\x80\x02", b"}", b"q\x00", b"(", b"X\x01\x00\x00\x00", b"ctorch._utils\n_rebuild_tensor_v2\n", b"ccollections\nOrderedDict\n",
               b"ctorch\nFloatStorage\n", b"X\x07\x00\x00\x00storage", b"Q", b"R", b"K\x01", b"J\xff\xff\xff\xff", b"\x89", b"t", b"u.",
               b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06", b"cos\nsystem\n", b"\x8a\x08", b"\x93", b"\x94", b"h\x00"]
    dictionary("pytorch", opcodes)
    task_keys = sorted({line.split(":")[0] for path in (ROOT / "tasks").glob("*.yaml") for line in path.read_text().split("\n")
                        if ":" in line and not line.startswith(("#", " "))})
    yaml = ["&a ", "*a", "<<: *a", "? [", "!!binary", "- ", "{}", "[]", ".nan", ".inf", "0x1p3", "|\n ", ">-\n ", "%YAML 1.2\n---\n", "--- "]
    dictionary("task", [(key + ": ").encode() for key in task_keys] + [word.encode() for word in yaml])
    recipe_keys = ["task", "teacher", "student", "match", "training", "distillation", "temperature", "seed", "output", "learning_rate",
                   "kd_loss_type", "num_train_epochs", "augment", "data", "config", "tokenizer", "input"]
    dictionary("recipe", [(key + ": ").encode() for key in recipe_keys] + [word.encode() for word in yaml])
    dictionary("jsonl", [f'"{word}"'.encode() for word in [
        "sentence", "label", "other", "text", "tokens", "tags", "question", "context", "answers", "answer_start", "probabilities",
        "logits", "id", "index"]] + [number.encode() for number in numbers])
    dictionary("sentencepiece", [b"\x0a\x05\x0a", b"\x12\x02\x18", b"\x1a\x04\x12", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
                                 "\u2581".encode(), b"<0x41>", b"\x18\x06", b"\x15\x00\x00\x80\x7f"])
    shutil.copy(DICTIONARIES / "jsonl.dict", DICTIONARIES / "json.dict")


if __name__ == "__main__":
    for path in CORPORA.glob("*/*"):
        if not path.name.startswith("found-"):
            path.unlink()
    models()
    tokenizers()
    rows()
    settings()
    runs()
    dictionaries()
    files = list(CORPORA.glob("*/*"))
    print(len(files), "seeds,", sum(path.stat().st_size for path in files), "bytes")
