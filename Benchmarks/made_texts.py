"""Writes N labelled texts of made-up words as TSV to standard output, the same for each run: the data of docs/scale.md.

    python3 Benchmarks/made_texts.py 10000000 > texts.tsv

A text has 6 to 12 of 4,000 words. 300 of them are good, 300 bad; the label says which are more, and at a draw whether the number
of words is odd.
"""
import random
import sys

SYLLABLES = "ba de ki lo mu na pe ri so tu va we xi yo za".split()


def main():
    pick = random.Random(7)
    words = ["".join(pick.choice(SYLLABLES) for _ in range(pick.randint(1, 3))) for _ in range(4000)]
    good, bad = set(words[:300]), set(words[300:600])
    print("sentence\tlabel")
    for _ in range(int(sys.argv[1])):
        text = pick.choices(words, k=pick.randint(6, 12))
        balance = sum((word in good) - (word in bad) for word in text)
        print(" ".join(text), int(balance > 0 or balance == 0 and len(text) % 2 == 1), sep="\t")


main()
