"""Writes Tests/Fixtures/tokenization: what Hugging Face `tokenizers` (0.23.3) makes of texts that are hard to get right.

    python Tests/Reference/make_tokenization_fixtures.py

All texts are written here; the vocabulary is trained on them.
"""
import collections
import itertools
import json
import os

from tokenizers import (AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors,
                        trainers)

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../Fixtures/tokenization")
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]

SENTENCES = [
    "The quick brown fox jumps over the lazy dog, and the dog does not care.",
    "Distillation turns a big teacher into a small student; the student learns what the teacher knows.",
    "Unbelievably, the unaffable waiter was unable to recommend anything drinkable!",
    "It's a gripping, funny film -- one of the best of 2026 (so far).",
    "The film was not good, not bad, simply forgettable. I would not watch it again.",
    "Prices rose by 3.5% to $1,299.99 on 2026-11-23 at 22:43.",
    "Write to someone@example.org or see https://example.org/a_b?c=d#e.",
    "这部电影真的很好看,我非常喜欢。",
    "北京是中国的首都,上海是最大的城市。",
    "服务态度不好,房间也不干净,不会再来了!",
    "老师教学生,学生学习老师的知识。",
    "東京タワーとスカイツリーを見ました。",
    "한국어 문장도 제대로 나누어야 합니다.",
    "Привет, мир! Ёлка и йод стоят рядом.",
    "Ελληνικά: Ο Σίσυφος κυλά τον βράχο ΣΑΣ.",
    "Çà et là, l'élève naïve a mangé une crêpe à Noël, où ça ? Œuvre.",
    "Größe, Straße, Äpfel, Öl und Übung.",
    "İstanbul'da ışık ve DİYARBAKIR.",
    "Tiếng Việt có nhiều dấu: ầ ấ ậ ữ ự.",
    "हिन्दी में लिखा हुआ वाक्य।",
    "ภาษาไทยไม่มีช่องว่าง",
    "العربية تُكتب من اليمين",
    "שָׁלוֹם עולם",
]
TRICKY = [
    "", " ", "\t\n\r ", "a", "hello   world", "  leading and trailing  ", "\u00a0no\u2003break\u3000space\u2028line",
    "control\u0000char\u0007s\u001b in\u007f\u0085side", "soft\u00adhyphen zero\u200bwidth\ufeffbom", "\ufffdbad\ufffd",
    "caf\u00e9 cafe\u0301 caf\u0065\u0301\u0323", "\u0301 mark first", "a\u0315\u0300\u05ae\u0062", "\u1e69 s\u0323\u0307 s\u0307\u0323",
    "\u212b \u2126 \u212a \u2260 \u2226 \u1fef \u037e \u0387", "\ufb01 \ufb03 \uff21\uff42\uff13 \uff01\uff1f\u3002",
    "\uac00\uac01\ud55c\uae00 \u1112\u1161\u11ab", "\u0130 I\u0307 i\u0307 \u0131", "\u03a3\u0391\u03a3 \u03a3 \u03c2",
    "\u1e9e \u00df \u01c5 \u01f2 \u1c90 \ua64a \u2160 \u24b6", "\U00010400\U00010428 \U0001e900",
    "\U0001f600 \U0001f923 \U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f44d\U0001f3fd \u2764\ufe0f \U0001f1e9\U0001f1ea",
    "\u5317\u4eac2026\u5e74Swift\u7f16\u7a0b", "\uf900\ufa0e\U0002f800\U00020000\U0002b81e\U0002b820\U0002ceb0",
    "\u3007\u3005\u30fc\u30ab\u3099 \u304b\u3099", "\u302a\u302e\u302f a\u302eb\u302a\u0301c", "\U0001d15e\U0001d160 \U0001d165\U0001d16e",
    "\u0f73\u0f75\u0f81\u0344 \u0f40\u0f72\u0f71", "\u0958\u0929\u0ddd \u1b06 \u1109a", "\U0001109a\U00011938\U000105c9",
    "\u0951\u0334\u0345\u3099a", "e\u0001\u0301", "\u5b57\u0301\u5b57", "x\u0327\u00ad\u0301y",
    "don't won't 'quoted' \u2018curly\u2019 \u201cdouble\u201d \u2014 dash\u2026", "a.b,c;d:e!f?g(h)i[j]k{l}m", "$100 + 5 = \u20ac105 ^~`|<>",
    "_under_score_ snake_case", "1234567890 3.14159 1,000,000", "\u0660\u0661\u0662 \u0966\u0967 \u2460\u2461",
    "x" * 99, "x" * 100, "x" * 101, "\u00e9" * 100, "e\u0301" * 100, "e\u0301" * 101, "\u00e9" * 101 + " a", "\u0130" * 60, "a" * 5000,
    "\u5b57" * 101, "a" * 50 + "\u5b57" + "a" * 51, "\u200b".join("teacher"), "tea\u00adcher's stu\u0308dent",
    "[CLS] [SEP] [MASK] [PAD] [UNK]", "a[MASK]b", "[mask] [Mask] [[MASK]] [MASK", "\u00e9[SEP]\u00e9\u5b57[CLS]x",
    "unaffable unbelievably recommendable undrinkableness", "teacherstudentteacher", "qqqq zzqx teacherqqq", "\u7535\u5f71 \u9f98\u9f98",
    "\ue000private\U000f0000 \U000e0041tag \ufdd0non\uffff", "\u061c\u200e\u202a\u2066 bidi", "\u180e\u1680\u205f mongolian",
    "\u2e43\u2e4f\u2e52 new punctuation \u1b7d", "\u0605\u08e2\u13460 format", "\u00aa\u00ba\u00b2\u00bd\u2122",
]
FLAGS = [(True, True, None, True), (True, True, None, False), (True, True, False, True), (True, True, True, False),
         (False, True, None, True), (True, False, None, True), (False, False, False, False)]
ADDED = [AddedToken("<name>", normalized=False), AddedToken("<name>s", normalized=False),
         AddedToken("tea", single_word=True, normalized=False), AddedToken("<l>", lstrip=True, normalized=False),
         AddedToken("<r>", rstrip=True, normalized=False), AddedToken("<lr>", lstrip=True, rstrip=True),
         AddedToken("Caf\u00e9"), AddedToken("STUDENT", single_word=True), AddedToken("\u5b57\u5b57"), AddedToken("\u0130x")]
ADDED_TEXTS = [
    "<name><name>s a<name>b <NAME>", "tea teapot tea's (tea) \u00e9tea tea\u5b57 _tea", "a  <l>  b<l>\u3000<l>", "a <r>  <r> b<r>",
    "x <lr>  <l> y <lr><lr> ", "CAF\u00c9 cafe\u0301 caf\u00e9s Caf\u00e9 cafe", "student STUDENT studentstudent \u00ABstudent\u00BB student\u0301",
    "\u5b57\u5b57 a\u5b57\u5b57\u5b57b", "i\u0307x \u0130x ix", "<name", "<r>", " <l>", "tea", "[CLS]<l>[SEP] <r>tea", "<lr> \u0301<lr>",
]


BYTE_LEVEL_TEXTS = [
    "", " ", "  ", "   ", "\n", " \n", "\r\n\r\n", "a ", " a", "  a", "a  b", "a \n b", "a\n\nb", "\ta\t\tb", "it's we'll they've I'm he'd you're can't",
    "IT'S 'summer 's 'll'll ''ll '", "don\u2019t 'tis o'clock", "x1y2 3z 45 6", "\u00bd\u00b2\u2460\u0661\u2167 1\u0661a\u00aa", "!?\u2026 !! ?!a !1", "\u00a0\u00a0a \u00a0b\u3000 c\u3000",
    "\u2028\u2029x\u0085\u0085 y", "zero\u200bwidth\ufeffbom\u00ad", "e\u0301e\u0323\u0301 \u0301 \u0903x", "\u5317\u4eac 2026\u5e74 \u3002\u3002", "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea\U0001f44d\U0001f3fd",
    "\x00a\x00\x00 \x07\x1b\x7f", "<s>a</s> <pad> <mask> x<mask>y  <mask>  z", "\u3000 <mask>\u00a0", "<mask><mask>", "[x] a[x]b  [x]  [x]", "word words sword word_word word",
    "the the  the", "\u0120word \u0120", "\U0010ffff\ue000\ufffd\ufffe",
]
BYTE_LEVEL_LONG_TEXTS = [
    "teacher" * 12, "student" * 40, "\u00e9" * 70, "\u5b57" * 50, "ab" * 300, " " * 130, "!?" * 80, "1" * 200,
]
BYTE_LEVEL_ADDED = [AddedToken("[x]", lstrip=True, rstrip=True, normalized=False), AddedToken("word", single_word=True),
                    AddedToken("the ", normalized=False), AddedToken("\u0120word")]


def byte_level(prefix=False, trim=True, regex=True, post="roberta", asif=None, added=()):
    """Byte-level BPE over the vocabulary that `byte_level_fixture` trained."""
    files = [os.path.join(FOLDER, name) for name in ("byte_level_vocab.json", "byte_level_merges.txt")]
    tokenizer = Tokenizer(models.BPE.from_file(*files))
    asif = prefix if asif is None else asif
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix, trim_offsets=trim, use_regex=regex)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>", AddedToken("<mask>", lstrip=True, normalized=False)])
    ends = [("</s>", tokenizer.token_to_id("</s>")), ("<s>", tokenizer.token_to_id("<s>"))]
    trimming = processors.ByteLevel(add_prefix_space=asif, trim_offsets=trim)
    template = processors.TemplateProcessing(single="<s> $A </s>", pair="<s> $A </s> $B:1 </s>:1", special_tokens=ends)
    if post is not None:
        tokenizer.post_processor = {
            "roberta": processors.RobertaProcessing(*ends, trim_offsets=trim, add_prefix_space=asif), "plain": trimming,
            "template": template, "sequence": processors.Sequence([trimming, template])}[post]
    tokenizer.add_tokens(list(added))
    return tokenizer


def byte_level_fixture():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.train_from_iterator(SENTENCES * 2 + [" " * n for n in (2, 2, 3, 5, 9)], trainers.BpeTrainer(
        vocab_size=800, min_frequency=2, show_progress=False, special_tokens=["<s>", "<pad>", "</s>", "<unk>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    model = json.loads(tokenizer.to_str())["model"]
    model["vocab"]["<mask>"] = len(model["vocab"])
    write("byte_level_vocab.json", model["vocab"])
    with open(os.path.join(FOLDER, "byte_level_merges.txt"), "w", encoding="utf-8") as file:
        file.writelines(["#version: 0.2\n"] + [" ".join(merge) + "\n" for merge in model["merges"]])
    cases = []
    settings = [{}, {"prefix": True}, {"prefix": True, "asif": False, "added": BYTE_LEVEL_ADDED},
                {"asif": True, "added": BYTE_LEVEL_ADDED}, {"trim": False, "regex": False, "post": None},
                {"regex": False, "post": "plain"}, {"prefix": True, "post": "sequence"}, {"post": "template"}]
    for setting in settings:
        tokenizer = byte_level(**setting)
        document = json.loads(tokenizer.to_str())
        del document["model"]["vocab"], document["model"]["merges"]
        texts = BYTE_LEVEL_TEXTS + (SENTENCES + TRICKY + BYTE_LEVEL_LONG_TEXTS if not cases else [])
        keys = ("ids", "tokens", "offsets", "words")
        results = [{k: v for k, v in full(tokenizer.encode(t)).items() if k in keys} for t in texts]
        pairs = [full(tokenizer.encode(a, b)) for a, b in zip(BYTE_LEVEL_TEXTS[10:20], BYTE_LEVEL_TEXTS[20:30])]
        tokenizer.enable_truncation(9, stride=2)
        windows = []
        for text in ("  the quick  brown fox, the  dog's", " <mask>  teacher student\n\n x"):
            encoding = tokenizer.encode(text)
            windows.append({"text": text, "windows": [
                {k: v for k, v in full(w).items() if k in keys[:3]} for w in (encoding, *encoding.overflowing)]})
        cases.append({"document": document, "texts": texts, "results": results, "pairs": pairs, "windows": windows})
    # How every scalar is split off letters, numbers, others and white space: a digest over the numbers of the words.
    tokenizer, blocks = byte_level(), []
    for block in range(0, 0x110000, 0x1000):
        text = "".join(f"a{chr(c)}1{chr(c)}!{chr(c)} {chr(c)}\t" for c in range(block, block + 0x1000) if not 0xD800 <= c <= 0xDFFF)
        value = 0xCBF29CE484222325
        for word in tokenizer.encode(text, add_special_tokens=False).word_ids:
            value = (value ^ word) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
        blocks.append(f"{value:016x}")
    pair_texts = [list(p) for p in zip(BYTE_LEVEL_TEXTS[10:20], BYTE_LEVEL_TEXTS[20:30])]
    return {"pairs": pair_texts, "cases": cases, "splits": blocks}


def build(vocabulary, flags=FLAGS[0], added=()):
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(*flags)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(SPECIAL)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(t, vocabulary[t]) for t in ("[CLS]", "[SEP]")])
    if added:
        tokenizer.add_tokens(list(added))
    return tokenizer


def train(size, limit):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    options = {} if limit is None else {"limit_alphabet": limit}
    trainer = trainers.WordPieceTrainer(vocab_size=size, min_frequency=1, show_progress=False, special_tokens=SPECIAL,
                                        **options)
    tokenizer.train_from_iterator(SENTENCES, trainer)
    return [t for t, _ in sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])]


def full(encoding):
    return {"ids": encoding.ids, "segments": encoding.type_ids, "tokens": encoding.tokens, "offsets": encoding.offsets,
            "sequences": encoding.sequence_ids, "words": encoding.word_ids, "special": encoding.special_tokens_mask}


def write(name, value):
    with open(os.path.join(FOLDER, name), "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=True, separators=(",", ":"))
        file.write("\n")


def texts_fixture(vocabulary):
    texts = SENTENCES + TRICKY
    cases = []
    for flags in FLAGS:
        tokenizer = build(vocabulary, flags)
        cases.append({"flags": flags, "results": [
            {k: v for k, v in full(tokenizer.encode(t)).items() if k in ("ids", "tokens", "offsets", "words")} for t in texts]})
    return {"texts": texts, "cases": cases}


def added_fixture(vocabulary):
    cases = []
    for flags in FLAGS:
        tokenizer = build(vocabulary, flags, ADDED)
        cases.append({"flags": flags, "results": [full(tokenizer.encode(t)) for t in ADDED_TEXTS]})
    tokens = [{"content": t.content, "single_word": t.single_word, "lstrip": t.lstrip, "rstrip": t.rstrip,
               "normalized": t.normalized, "special": t.special} for t in ADDED]
    return {"tokens": tokens, "texts": ADDED_TEXTS, "cases": cases}


def truncation_fixture(vocabulary):
    tokenizer = build(vocabulary)
    words = "the film was not good , simply forgettable . one more".split()
    texts = [" ".join(words[:n]) for n in (0, 1, 3, 6, 11)]
    cases = []
    for (first, second), special, length, strategy, stride in itertools.product(
            itertools.product(texts[1:], [None, *texts]), (True, False), (0, 1, 2, 3, 4, 5, 8, 12),
            ("longest_first", "only_first", "only_second"), (0, 2)):
        added = (2 if second is None else 3) if special else 0
        # `tokenizers` computes max_length - added unsigned: below zero it wraps around or panics.
        if length < added or (stride > 0 and length in (0, 1, 12)):
            continue
        case = {"first": first, "second": second, "add": special, "length": length, "strategy": strategy, "stride": stride}
        tokenizer.no_truncation()
        try:
            tokenizer.enable_truncation(length, stride=stride, strategy=strategy)
        except ValueError:  # refused beforehand; Potstill decides when it sees the text
            continue
        try:
            encoding = tokenizer.encode(first, second, add_special_tokens=special)
        except BaseException as error:  # a stride that is too large panics
            if isinstance(error, KeyboardInterrupt):
                raise
            case["error"] = True
        else:
            case["ids"] = encoding.ids
            case["segments"] = encoding.type_ids
            case["overflowing"] = [o.ids for o in encoding.overflowing]
        cases.append(case)
    return cases


def digests():
    """FNV-1a over the normalised form of blocks of 4096 scalars, each scalar between letters and before a mark."""
    result = []
    for flags in (FLAGS[0], FLAGS[2], FLAGS[3], FLAGS[4]):
        normalizer = normalizers.BertNormalizer(*flags)
        blocks = []
        for block in range(0, 0x110000, 0x1000):
            text = "".join(f"a{chr(c)}\u0323B " for c in range(block, block + 0x1000) if not 0xD800 <= c <= 0xDFFF)
            value = 0xCBF29CE484222325
            for byte in normalizer.normalize_str(text).encode():
                value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
            blocks.append(f"{value:016x}")
        result.append({"flags": flags, "blocks": blocks})
    return result


def trained_fixture():
    cases = []
    counts = collections.Counter("".join(normalizers.BertNormalizer().normalize_str(t).replace(" ", "") for t in SENTENCES))
    ranked = sorted(counts.values(), reverse=True)
    # Which of equally frequent characters is dropped is a matter of luck in `tokenizers`; cut where there is no tie.
    unambiguous = next(n for n in range(40, 0, -1) if ranked[n - 1] > ranked[n])
    for size, limit in ((600, None), (300, unambiguous), (1200, None)):
        tokens = train(size, limit)
        alphabet = {t for t in tokens if len(t) == 1}
        order = [t[2:] for t in tokens if t.startswith("##") and t[2:] in alphabet and len(t) == 3]
        cases.append({"size": size, "limit": limit, "continuations": order, "tokens": tokens})
    return {"texts": SENTENCES, "cases": cases}


def main():
    os.makedirs(FOLDER, exist_ok=True)
    # Pieces that the cases need beside what training gives.
    extra = ["un", "##aff", "##able", "cafe", "caf\u00e9", "##s", "naive", "\uac00", "\u1100", "##\u1161", "##\u11a8", "##x", "\u00e9", "e\u0301",
             "##\u0301", "i\u0307", "##\u0307", "\u03c3", "##\u03c3", "##\u03c2", "\u8c48", "\uf900", "\U00020000", "\U0001f600", "\u302a", "##\u302e",
             "\u2e43", "\ud55c", "##\uae00", "=", "\ufb01", "\uff21", "##\uff42", "teacher", "##student", "\u0130", "\U00010428", "Cafe", "Teacher"]
    tokens = train(700, None)
    tokens += [t for t in extra if t not in tokens]
    vocabulary = {t: i for i, t in enumerate(tokens)}
    with open(os.path.join(FOLDER, "vocab.txt"), "w", encoding="utf-8") as file:
        file.writelines(t + "\n" for t in tokens)
    write("byte_level.json", byte_level_fixture())
    write("texts.json", texts_fixture(vocabulary))
    write("added.json", added_fixture(vocabulary))
    write("truncation.json", truncation_fixture(vocabulary))
    write("normalization.json", digests())
    write("training.json", trained_fixture())
    tokenizer = build(vocabulary, FLAGS[1], ADDED)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:2 <both>:3", pair="$B:1 [SEP]:0 $A:0 <both>:2",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3), {"id": "<both>", "ids": [3, 4], "tokens": ["[SEP]", "[MASK]"]}])
    tokenizer.save(os.path.join(FOLDER, "template.json"), pretty=False)
    tokenizer.enable_truncation(5)
    tokenizer.enable_padding(length=9)
    cases = []
    tokenizer.no_truncation()
    tokenizer.no_padding()
    for first, second in (("a film", None), ("not good", "the dog <name>")):
        for special in (True, False):
            cases.append({"first": first, "second": second, "special": special,
                          "result": full(tokenizer.encode(first, second, add_special_tokens=special))})
    write("template_cases.json", cases)


main()
