import Testing
import Training

@Suite struct BatchSharesTests {
  private func starts(_ lengths: [Int]) -> [Int32] {
    lengths.reduce(into: [Int32(0)]) { $0.append($0[$0.count - 1] + Int32($1)) }
  }

  @Test func rowsOfOneLengthAreCutEvenly() {
    let shares = BatchShares(starts([Int](repeating: 7, count: 12)), ranks: 4)
    #expect(shares.rows == [0..<3, 3..<6, 6..<9, 9..<12])
  }

  /// The share of one rank is all of it, also of a batch without rows.
  @Test func oneRankTakesAll() {
    #expect(BatchShares(starts([3, 9, 4]), ranks: 1).rows == [0..<3])
    #expect(BatchShares(starts([]), ranks: 1).rows == [0..<0])
    #expect(BatchShares(starts([]), ranks: 3).rows == [0..<0, 0..<0, 0..<0])
  }

  @Test func fewerRowsThanRanksLeaveSharesEmpty() {
    let rows = BatchShares(starts([5, 5]), ranks: 4).rows
    #expect(rows.count == 4 && rows.map(\.count).reduce(0, +) == 2)
    #expect(rows.map(\.count).max() == 1)
  }

  /// The shares lie one behind the other, miss none and repeat none, and no share has more than its part and a longest row.
  @Test(arguments: [2, 3, 4, 7]) func sharesAreBalancedByTokens(ranks: Int) {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<200 {
      let lengths = (0..<Int.random(in: 0...40, using: &random)).map { _ in
        Int.random(in: 1...128, using: &random)
      }
      let starts = starts(lengths)
      let rows = BatchShares(starts, ranks: ranks).rows
      #expect(rows.count == ranks && rows.first?.lowerBound == 0 && rows.last?.upperBound == lengths.count)
      for (share, next) in zip(rows, rows.dropFirst()) { #expect(share.upperBound == next.lowerBound) }
      let part = Double(starts.last ?? 0) / Double(ranks)
      for share in rows {
        let tokens = lengths[share].reduce(0, +)
        #expect(Double(tokens) <= part + Double(lengths.max() ?? 0), "\(lengths) for \(ranks)")
      }
    }
  }
}
