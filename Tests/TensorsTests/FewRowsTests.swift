import Tensors
import TestSupport
import Testing

/// What workers compute of their share of few rows against the operations that do one thing each.
@Suite struct FewRowsTests {
  private static let features = 24

  /// Rows that stay as they are, that fill vectors and halves of one, with few and many behind them, and several sequences;
  /// one worker and several, who share the heads unevenly.
  @Test(arguments: [[3], [8], [13], [16], [20], [5, 1, 20], [33], [30, 33], [60, 71]], [1, 2, 3])
  func selfAttentionIsItsParts(lengths: [Int32], threads: Int) throws {
    let starts = lengths.reduce(into: [Int32(0)]) { $0.append(($0.last ?? 0) + $1) }
    let x = sample([Int(starts.last ?? 0), Self.features], seed: 1)
    let first = x.rows(at: Array(starts.dropLast()))
    let layers = (0..<4).map { layer(seed: UInt64($0) * 2 + 2) }
    for (wanted, queryStarts) in [(x, starts), (first, (0...Int32(lengths.count)).map { $0 })] {
      let mixed = Tensor.attention(
        query: wanted.linear(layers[0]),
        key: x.linear(layers[1]),
        value: x.linear(layers[2]), heads: 4, starts: starts,
        queryStarts: queryStarts, in: .inference)
      let expected = mixed.output.linear(layers[3])
      let y = FixedThreads.run(threads) {
        x.thinSelfAttention(
          wanted: wanted, query: layers[0], key: layers[1], value: layers[2], output: layers[3], heads: 4,
          starts: starts, queryStarts: queryStarts, in: .inference)
      }
      #expect(isClose(try #require(y), expected))
    }
  }

  /// A tape, training, many rows or more workers than heads: the caller is told to use the operations themselves.
  @Test func selfAttentionDeclines() {
    let own = layer(seed: 2)
    func run(rows: Int, in context: Context) -> Tensor? {
      let x = sample([rows, Self.features], seed: 1)
      return x.thinSelfAttention(
        wanted: x, query: own, key: own, value: own, output: own, heads: 4, starts: [0, Int32(rows)],
        queryStarts: [0, Int32(rows)], in: context)
    }
    FixedThreads.run(2) {
      #expect(run(rows: 5, in: .inference) != nil)
      #expect(run(rows: 5, in: Context(tape: Tape())) == nil)
      #expect(run(rows: 5, in: Context(isTraining: true)) == nil)
      #expect(run(rows: 512, in: .inference) == nil)
    }
    FixedThreads.run(5) { #expect(run(rows: 5, in: .inference) == nil) }
  }

  @Test(arguments: [1, 8, 9, 12, 13, 16, 40, 63, 130], [1, 2, 3, 17])
  func feedForwardIsTwoLinearLayers(rows: Int, threads: Int) {
    let (width, features) = (90, Self.features)
    let x = sample([rows, features], seed: 1)
    let inner = LinearWeights(sample([width, features], seed: 2), bias: sample([width], seed: 3))
    let outer = LinearWeights(sample([features, width], seed: 4), bias: sample([features], seed: 5))
    let y = FixedThreads.run(threads) {
      x.feedForward(inner: inner, outer: outer, activation: .gelu)
    }
    let wide = x.linear(inner, activation: .gelu)
    #expect(isClose(y, wide.linear(outer)))
  }

  /// Rows by themselves, which are all dot products, against the same rows in company, on both sides of the limit.
  @Test(arguments: [9, 11, 12, 13, 16, 17, 20, 21, 24, 27, 100, 511, 512, 513])
  func rowsInCompanyAreRowsAlone(count: Int) {
    let weights = LinearWeights(sample([150, Self.features], seed: 2), bias: sample([150], seed: 3))
    let x = sample([count, Self.features], seed: 1)
    let together = FixedThreads.run(2) { x.linear(weights, activation: .relu) }
    for first in stride(from: 0, to: count, by: 8) {
      let rows = (first..<min(first + 8, count)).map { Int32($0) }
      let alone = x.rows(at: rows).linear(weights, activation: .relu)
      #expect(isClose(together.rows(at: rows), alone), "rows from \(first)")
    }
  }

  private func layer(seed: UInt64) -> LinearWeights {
    LinearWeights(
      sample([Self.features, Self.features], seed: seed), bias: sample([Self.features], seed: seed + 1))
  }

  private func isClose(_ y: Tensor, _ expected: Tensor) -> Bool {
    y.shape == expected.shape && zip(y.values, expected.values).allSatisfy { abs($0 - $1) < 2e-5 }
  }
}
