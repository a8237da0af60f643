"""Writes Tests/Fixtures/taskdata: the inputs that `transformers` makes of words with tags and of questions with passages.

    python Tests/Reference/make_taskdata_fixtures.py

The tokenizer is BERT's over Tests/Fixtures/tokenization/vocab.txt. Words are tokenized with `is_split_into_words`, tags laid on
their tokens as `run_ner` does; questions with `truncation="only_second"`, overflowing tokens and offsets, and answers laid
on the windows as `run_qa` does, except that the search for the first token stops at the end of the passage (`run_qa` walks on
over the [SEP], whose offset is 0, where an answer begins in the last token of a window). Long questions are cut to `max_query_length` tokens beforehand, as `run_squad` did.
"""
import json
import os

from tokenizers import BertWordPieceTokenizer
from transformers import PreTrainedTokenizerFast

HERE = os.path.dirname(os.path.abspath(__file__))
VOCABULARY = os.path.join(HERE, "../Fixtures/tokenization/vocab.txt")
FOLDER = os.path.join(HERE, "../Fixtures/taskdata")


def make_tokenizer(lowercase):
    inner = BertWordPieceTokenizer(VOCABULARY, lowercase=lowercase)
    names = {"unk_token": "[UNK]", "sep_token": "[SEP]", "cls_token": "[CLS]", "pad_token": "[PAD]", "mask_token": "[MASK]"}
    return PreTrainedTokenizerFast(tokenizer_object=inner._tokenizer, **names)


# Words with BIO tags of the types A and B: O, B-A, I-A, B-B, I-B.
SENTENCES = [
    (["The", "unaffable", "waiter", "of", "Istanbul", "knows", "Diyarbakır", "."], [0, 1, 2, 0, 3, 0, 3, 0]),
    (list("北京是中国的首都a市b会cafe"), [1, 2, 0, 1, 2, 0, 0, 0, 0, 0, 3, 4, 1, 2, 2, 2]),
    (["２０２６", "年", "Ａｂ", "ｂ", "\u200b", "\u0007", "😀", "👨\u200d👩", "cafe\u0301", "café"], [1, 2, 2, 0, 0, 0, 3, 4, 0, 1]),
    (["don't", "a.b", "[MASK]", "x" * 101, "\u3000", "한국어", "가", "\ufeff老\u0301師", "distillation"], [1, 2, 0, 3, 0, 1, 2, 3, 4]),
]


def words_cases():
    cases = []
    for lowercase in (True, False):
        tokenizer = make_tokenizer(lowercase)
        for words, tags in SENTENCES:
            encoding = tokenizer(words, is_split_into_words=True)
            word_of = encoding.word_ids()
            for all_tokens in (False, True):
                # A word without a token would hide where an entity begins; both sides are compared without such words.
                labels = []
                previous = None
                for word in word_of:
                    if word is None:
                        labels.append(-100)
                    elif word != previous:
                        labels.append(tags[word])
                    else:
                        # run_ner turns B into I for later pieces.
                        labels.append((tags[word] + 1 if tags[word] % 2 else tags[word]) if all_tokens else -100)
                    previous = word
                cases.append({
                    "lowercase": lowercase, "words": words, "tags": tags, "label_all_tokens": all_tokens,
                    "ids": encoding["input_ids"], "labels": labels,
                    "word_ids": [-1 if word is None else word for word in word_of],
                })
    return cases


PASSAGE = ("The quick brown fox (of 2026) jumps over the lazy dog in Istanbul. Cafe\u0301 owners wrote: \u201cone of the best!\u201d "
           "😀 The unaffable waiter knows 北京是中国的首都，上海是最大的城市。 Ａｂ２０２６ costs $1,299.99 at 22:43; "
           "한국어 문장도 나누어야 합니다. Distillation turns a big teacher into a small student\u200b; 👨\u200d👩\u200d👧 learns.")
QUESTIONS = [
    ("Who jumps over the dog?", PASSAGE, "The quick brown fox"),
    ("Where is the dog?", PASSAGE, "Istanbul"),
    ("Which owners wrote?", PASSAGE, "Cafe\u0301 owners"),
    ("Which owners wrote?", PASSAGE, "Cafe"),
    ("什么是首都?", PASSAGE, "北京"),
    ("最大的城市?", PASSAGE, "上海"),
    ("What costs so much?", PASSAGE, "Ａｂ２０２６"),
    ("How much does it cost?", PASSAGE, "$1,299.99"),
    ("How much?", PASSAGE, "299.99"),
    ("Who learns?", PASSAGE, "student\u200b"),
    ("Which emoji?", PASSAGE, "😀"),
    ("한국어?", PASSAGE, "한국어"),
    ("What part of a word?", PASSAGE, "affable wait"),
    ("What is nowhere in here?", PASSAGE, None),
    ("Why does the small student of the big teacher learn what the quick brown fox knows, and the lazy dog does not care?",
     PASSAGE, "Distillation turns a big teacher into a small student"),
    ("Short?", "北京。", "北京。"),
    ("👨\u200d👩 \u0007 who?", "  The 👨\u200d👩\u200d👧  learns.  ", "👨\u200d👩\u200d👧"),
]


def cut(tokenizer, question, length):
    encoding = tokenizer(question, add_special_tokens=False, return_offsets_mapping=True)
    if len(encoding["input_ids"]) <= length:
        return question
    result = question[:encoding["offset_mapping"][length - 1][1]]
    assert tokenizer(result, add_special_tokens=False)["input_ids"] == encoding["input_ids"][:length]
    return result


def question_features(tokenizer, question, context, answer, max_length, stride, max_query):
    encoding = tokenizer(cut(tokenizer, question, max_query), context, truncation="only_second", max_length=max_length,
                         stride=stride, return_overflowing_tokens=True, return_offsets_mapping=True,
                         return_token_type_ids=True)
    windows = []
    for index, ids in enumerate(encoding["input_ids"]):
        sequence = encoding.sequence_ids(index)
        offsets = encoding["offset_mapping"][index]
        span = [0, 0]
        if answer is not None:
            start_char = context.index(answer)
            end_char = start_char + len(answer)
            first = sequence.index(1)
            last = len(sequence) - 1 - sequence[::-1].index(1)
            if offsets[first][0] <= start_char and offsets[last][1] >= end_char:
                start, end = first, last
                while start < len(offsets) and sequence[start] == 1 and offsets[start][0] <= start_char:
                    start += 1
                while sequence[end] == 1 and offsets[end][1] >= end_char:
                    end -= 1
                span = [start - 1, end + 1]
        windows.append({
            "ids": ids, "segments": encoding["token_type_ids"][index], "span": span,
            "context_start": sequence.index(1),
            "offsets": [end for offset, part in zip(offsets, sequence) if part == 1 for end in offset],
        })
    return windows


SETTINGS = [(True, 384, 128, 64), (True, 40, 16, 16), (True, 19, 0, 8), (False, 40, 10, 16)]


def questions_cases():
    cases = []
    contexts = sorted({context for _, context, _ in QUESTIONS})
    for lowercase, max_length, stride, max_query in SETTINGS:
        tokenizer = make_tokenizer(lowercase)
        for question, context, answer in QUESTIONS:
            cases.append({
                "lowercase": lowercase, "max_length": max_length, "stride": stride, "max_query_length": max_query,
                "question": question, "context": contexts.index(context), "answer": answer,
                "answer_start": -1 if answer is None else context.index(answer),
                "windows": question_features(tokenizer, question, context, answer, max_length, stride, max_query),
            })
    return {"contexts": contexts, "cases": cases}


def write(name, value):
    with open(os.path.join(FOLDER, name), "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=True, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    os.makedirs(FOLDER, exist_ok=True)
    write("words.json", {"cases": words_cases()})
    write("questions.json", questions_cases())
