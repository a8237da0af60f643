import CKernels
import Foundation
import Testing

@Suite struct AttentionTests {
  struct Case: CustomTestStringConvertible, Sendable {
    var queries: Int
    var keys: Int
    var size: Int
    var probability: Float = 0
    var first: UInt64 = 1_000
    var testDescription: String {
      "\(queries) x \(keys), head \(size), dropout \(probability), from \(first)"
    }
  }

  static let cases: [Case] = [
    .init(queries: 1, keys: 1, size: 1), .init(queries: 2, keys: 2, size: 4),
    .init(queries: 13, keys: 13, size: 26),
    .init(queries: 13, keys: 13, size: 32, probability: 0.2), .init(queries: 16, keys: 16, size: 64),
    .init(queries: 17, keys: 17, size: 26, probability: 0.1), .init(queries: 33, keys: 33, size: 33),
    .init(queries: 1, keys: 40, size: 32, probability: 0.1), .init(queries: 50, keys: 3, size: 16),
    .init(queries: 70, keys: 70, size: 26, probability: 0.3),
    .init(queries: 40, keys: 37, size: 20, probability: 0.3, first: 0xffff_fe00),
    .init(queries: 128, keys: 128, size: 64, probability: 0.1), .init(queries: 0, keys: 5, size: 8),
  ]

  /// One head inside rows that are wider than it, and everything computed in double precision.
  struct Reference {
    let c: Case
    let ld: Int
    let q, k, v, dout, dprobs, dscores: [Float]
    var keep: [Double] = []
    var s: [Double] = []
    var p: [Double] = []
    var out: [Double] = []
    let scale = 0.3
    let seed: UInt64 = 21
    let stream: UInt64 = 22

    init(_ c: Case) {
      self.c = c
      ld = c.size + 5
      var samples = Samples(UInt64(c.queries * 1_000 + c.keys))
      q = samples.floats(c.queries * ld, scale: 2)
      k = samples.floats(c.keys * ld, scale: 2)
      v = samples.floats(c.keys * ld)
      dout = samples.floats(c.queries * ld)
      dprobs = samples.floats(c.queries * c.keys)
      dscores = samples.floats(c.queries * c.keys)
      var ones = [Float](repeating: 1, count: c.queries * c.keys)
      ps_dropout(ones, &ones, Int64(ones.count), seed, stream, c.first, c.probability)
      keep = ones.map { $0 == 0 ? 0 : 1 / (1 - Double(c.probability)) }
      for i in 0..<c.queries {
        let row = (0..<c.keys).map { j in
          scale * (0..<c.size).reduce(0.0) { $0 + Double(q[i * ld + $1]) * Double(k[j * ld + $1]) }
        }
        let sum = row.reduce(0) { $0 + exp($1) }
        s += row
        p += row.map { exp($0) / sum }
        out += (0..<c.size).map { d in
          (0..<c.keys).reduce(0.0) {
            $0 + p[i * c.keys + $1] * keep[i * c.keys + $1] * Double(v[$1 * ld + d])
          }
        }
      }
    }

    var shape: ps_attention {
      ps_attention(
        queries: Int64(c.queries), keys: Int64(c.keys), head_dim: Int64(c.size), ldq: Int64(ld),
        ldk: Int64(ld),
        ldv: Int64(ld), ldo: Int64(ld), scale: Float(scale), probability: c.probability, seed: seed,
        stream: stream, first: c.first)
    }

    var scratch: [Float] {
      [Float](repeating: .nan, count: Int(ps_attention_scratch(Int64(c.keys), Int64(c.size))))
    }

    /// The head's columns of rows `ld` wide; nil when anything beside them changed from `filler`.
    func head(_ x: [Float], rows: Int, filler: Float) -> [Float]? {
      var result: [Float] = []
      for r in 0..<rows {
        result += x[(r * ld)..<(r * ld + c.size)]
        if !x[(r * ld + c.size)..<((r + 1) * ld)].allSatisfy({ $0 == filler }) { return nil }
      }
      return result
    }

    /// (dq, dk, dv) of the given upstream gradients.
    func gradients(out: Bool, probs: Bool, scores: Bool) -> ([Double], [Double], [Double]) {
      var dq = [Double](repeating: 0, count: c.queries * c.size)
      var dk = [Double](repeating: 0, count: c.keys * c.size)
      var dv = dk
      for i in 0..<c.queries {
        let at = { i * c.keys + $0 }
        var dp = (0..<c.keys).map { j -> Double in
          guard out else { return 0 }
          return (0..<c.size).reduce(0.0) { $0 + Double(dout[i * ld + $1]) * Double(v[j * ld + $1]) }
            * keep[at(j)]
        }
        if probs { for j in 0..<c.keys { dp[j] += Double(dprobs[at(j)]) } }
        let dot = (0..<c.keys).reduce(0) { $0 + p[at($1)] * dp[$1] }
        for j in 0..<c.keys {
          var ds = p[at(j)] * (dp[j] - dot)
          if scores { ds += Double(dscores[at(j)]) }
          for d in 0..<c.size {
            dq[i * c.size + d] += scale * ds * Double(k[j * ld + d])
            dk[j * c.size + d] += scale * ds * Double(q[i * ld + d])
            if out { dv[j * c.size + d] += p[at(j)] * keep[at(j)] * Double(dout[i * ld + d]) }
          }
        }
      }
      return (dq, dk, dv)
    }
  }

  @Test(arguments: cases)
  func forward(_ c: Case) throws {
    let reference = Reference(c)
    var shape = reference.shape
    var scratch = reference.scratch
    var out = [Float](repeating: -3, count: c.queries * reference.ld)
    var scores = [Float](repeating: 0, count: c.queries * c.keys)
    var probs = scores
    ps_attention_forward(&shape, reference.q, reference.k, reference.v, &out, &scores, &probs, &scratch)
    let found = try #require(reference.head(out, rows: c.queries, filler: -3))
    #expect(worstError(found, reference.out) < 2e-6)
    #expect(worstError(scores, reference.s) < 4e-6)  // sums of 64 products of numbers up to 2
    #expect(worstError(probs, reference.p) < 2e-6)
    var alone = [Float](repeating: -3, count: out.count)
    ps_attention_forward(&shape, reference.q, reference.k, reference.v, &alone, nil, nil, &scratch)
    #expect(alone == out)
  }

  @Test(
    arguments: cases, [(true, false, false), (true, true, true), (false, true, false), (false, false, true)])
  func backward(_ c: Case, upstream: (out: Bool, probs: Bool, scores: Bool)) throws {
    let reference = Reference(c)
    var shape = reference.shape
    let probs = reference.p.map(Float.init)
    let (dq, dk, dv) = reference.gradients(out: upstream.out, probs: upstream.probs, scores: upstream.scores)
    for (accumulate, givesProbs): (Int32, Bool) in [(0, true), (5, true), (2, true), (0, false), (5, false)] {
      var scratch = reference.scratch
      let filler: Float = 0.5
      var foundQ = [Float](repeating: filler, count: c.queries * reference.ld)
      var foundK = [Float](repeating: filler, count: c.keys * reference.ld)
      var foundV = foundK
      reference.dout.withUnsafeBufferPointer { dout in
        reference.dprobs.withUnsafeBufferPointer { dprobs in
          reference.dscores.withUnsafeBufferPointer { dscores in
            probs.withUnsafeBufferPointer { probs in
              ps_attention_backward(
                &shape, reference.q, reference.k, reference.v, givesProbs ? probs.baseAddress : nil,
                upstream.out ? dout.baseAddress : nil, upstream.probs ? dprobs.baseAddress : nil,
                upstream.scores ? dscores.baseAddress : nil, &foundQ, &foundK, &foundV, accumulate, &scratch)
            }
          }
        }
      }
      let results: [([Float], [Double], Int, Int32)] = [
        (foundQ, dq, c.queries, 1), (foundK, dk, c.keys, 2), (foundV, dv, c.keys, 4),
      ]
      for (found, expected, rows, bit) in results {
        let head = try #require(reference.head(found, rows: rows, filler: filler))
        let start = accumulate & bit != 0 ? Double(filler) : 0
        #expect(
          worstError(head, expected.map { $0 + start }) < 5e-6,
          "gradient \(bit), accumulate \(accumulate), probabilities given: \(givesProbs)")
      }
    }
  }

  @Test func gradientsMayBeLeftOut() {
    let reference = Reference(Case(queries: 20, keys: 20, size: 26, probability: 0.1))
    var shape = reference.shape
    var scratch = reference.scratch
    let probs = reference.p.map(Float.init)
    let count = 20 * reference.ld
    let zeros = [Float](repeating: 0, count: count)
    var (dq, dk, dv, alone) = (zeros, zeros, zeros, zeros)
    ps_attention_backward(
      &shape, reference.q, reference.k, reference.v, probs, reference.dout, nil, nil, &dq, &dk, &dv, 0,
      &scratch)
    ps_attention_backward(
      &shape, reference.q, reference.k, reference.v, probs, reference.dout, nil, nil, &alone, nil, nil, 0,
      &scratch)
    #expect(alone == dq)
    ps_attention_backward(
      &shape, reference.q, reference.k, reference.v, probs, reference.dout, nil, nil, nil, &alone, nil, 0,
      &scratch)
    #expect(alone == dk)
    ps_attention_backward(
      &shape, reference.q, reference.k, reference.v, probs, reference.dout, nil, nil, nil, nil, &alone, 0,
      &scratch)
    #expect(alone == dv)
  }
}
