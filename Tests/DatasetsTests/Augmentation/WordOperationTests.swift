import Datasets
import Testing

/// TextBrewer's operations on words: their distributions, and what goes wrong in TextBrewer.
@Suite("Operations on words")
struct WordOperationTests {
  private let words = Array(0..<11)
  private let draws = 20_000

  /// The share of draws in which something happens; with 20,000 draws a share strays by 0.011 once in a thousand times.
  private func share(_ happens: (inout SplitMix64) -> Bool) -> Double {
    var random = SplitMix64(7)
    return Double((0..<draws).count { _ in happens(&random) }) / Double(draws)
  }

  @Test("masking hides each word by itself")
  func maskingShares() {
    for place in [0, 10] {
      #expect(abs(share { masking(words, p: 0.3, mask: -1, using: &$0)[place] == -1 } - 0.3) < 0.015)
    }
    let both = share { random in
      let result = masking(words, p: 0.3, mask: -1, using: &random)
      return result[3] == -1 && result[4] == -1
    }
    #expect(abs(both - 0.09) < 0.01)
    var random = SplitMix64(1)
    #expect(masking(words, p: 0, mask: -1, using: &random) == words)
    #expect(masking(words, p: 1, mask: -1, using: &random) == words.map { _ in -1 })
    #expect(masking([Int](), mask: -1, using: &random).isEmpty)
  }

  @Test("deleting keeps the order, and at least one word, each as likely")
  func deletingShares() {
    #expect(abs(share { !deleting(words, p: 0.2, using: &$0).contains(5) } - 0.2) < 0.015)
    var random = SplitMix64(1)
    for _ in 0..<200 {
      let left = deleting(words, p: 0.5, using: &random)
      #expect(left == left.sorted() && Set(left).count == left.count)
    }
    #expect(deleting([4], p: 1, using: &random) == [4])
    #expect(deleting([Int](), p: 1, using: &random).isEmpty)
    #expect(abs(share { deleting([1, 2, 3], p: 1, using: &$0) == [2] } - 1 / 3) < 0.015)
  }

  @Test("n-gram sampling draws the length, then the place")
  func nGrams() {
    for length in 1...5 {
      #expect(abs(share { nGramSampling(words, using: &$0).count == length } - 0.2) < 0.015)
    }
    #expect(abs(share { nGramSampling(words, using: &$0) == [0, 1] } - 0.2 / 10) < 0.005)
    var random = SplitMix64(1)
    for _ in 0..<200 {
      let span = nGramSampling(words, using: &random)
      #expect(zip(span, span.dropFirst()).allSatisfy { $0 + 1 == $1 })
    }
    // Shorter than some or all lengths, where TextBrewer fails.
    #expect(abs(share { nGramSampling([1, 2], using: &$0).count == 2 } - 0.5) < 0.015)
    #expect(nGramSampling([1, 2], lengths: [3], probabilities: [1], using: &random) == [1, 2])
    #expect(nGramSampling([Int](), using: &random).isEmpty)
  }

  @Test(
    "short disorder makes each of the five orders",
    arguments: zip(0..<5, [[0, 1, 2], [1, 0, 2], [2, 1, 0], [2, 0, 1], [1, 2, 0]]))
  func shortOrders(_ kind: Int, _ expected: [Int]) {
    var random = SplitMix64(3)
    var p = [0.0, 0, 0, 0, 0]
    p[kind] = 1
    #expect(shortDisorder([0, 1, 2], p: p, using: &random) == expected)
    // Where two words are left, every change exchanges them.
    #expect(shortDisorder([8, 9], p: p, using: &random) == (kind == 0 ? [8, 9] : [9, 8]))
    #expect(shortDisorder([8], p: p, using: &random) == [8])
    #expect(shortDisorder([Int](), p: p, using: &random).isEmpty)
    #expect(shortDisorder(words, p: p, using: &random).sorted() == words)
  }

  @Test("short disorder moves on by as many words as it used")
  func shortShares() {
    #expect(abs(share { shortDisorder(words, using: &$0)[0] == 1 } - 0.1) < 0.01)
    // Place 1 is begun only when place 0 stayed.
    #expect(abs(share { shortDisorder(words, using: &$0)[1] == 2 } - 0.09) < 0.01)
    var random = SplitMix64(1)
    #expect(
      shortDisorder(words, p: [0, 1, 0, 0, 0], using: &random) == [1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 10])
  }

  @Test("long disorder exchanges the halves of windows")
  func longOrders() {
    var random = SplitMix64(1)
    // TextBrewer's example, with the element that its documentation loses.
    #expect(longDisorder(words, p: 1, length: 0.4, using: &random) == [2, 3, 0, 1, 6, 7, 4, 5, 8, 9, 10])
    #expect(longDisorder(words, p: 1, length: 5, using: &random) == [3, 4, 5, 0, 1, 2, 6, 7, 8, 9, 10])
    #expect(longDisorder(words, p: 1, length: 20, using: &random) == words)
    // A window of no words, in which TextBrewer never ends.
    #expect(longDisorder([1, 2], p: 1, length: 0.4, using: &random) == [2, 1])
    #expect(longDisorder([1], p: 1, length: 0.4, using: &random) == [1])
    #expect(longDisorder([Int](), p: 1, length: 0.4, using: &random).isEmpty)
    #expect(abs(share { longDisorder(words, p: 0.1, length: 4, using: &$0)[0] == 2 } - 0.1) < 0.01)
    #expect(abs(share { longDisorder(words, p: 0.1, length: 4, using: &$0)[1] == 3 } - 0.19) < 0.015)
  }
}
