import ModelFormats

/// Share of a training file that is held out to score on: the same rows at each reading, of each label as large a share.
public struct HeldOutShare: Sendable, Hashable {
  /// The share in percent, above 0 and below 100.
  public let percentage: Double
  /// The seed that draws the rows.
  public let seed: UInt64

  /// A share.
  public init(percentage: Double, seed: UInt64 = 42) { (self.percentage, self.seed) = (percentage, seed) }

  /// The percentages that a share can have.
  package static let percentages = 0.0..<100

  /// Rows in two parts, each in the order of the file.
  ///
  /// Rows of one unit (the questions about a passage) stay together. Of each stratum (a label) the part is the whole number
  /// of units nearest to its share, by the method of largest remainders; of the whole it is at least one unit, and never all.
  ///
  /// - Parameters:
  ///   - rows: The rows of a file.
  ///   - unit: The unit that a row belongs to; nil for a unit of its own.
  ///   - stratum: The stratum of a row.
  package func parts<Row>(
    of rows: [Row], unit: (Row) -> String?, stratum: (Row) -> String
  ) -> (kept: [Row], heldOut: [Row]) {
    var places: [String: Int] = [:]
    var units: [(stratum: String, rows: [Int])] = []
    for (index, row) in rows.enumerated() {
      if let name = unit(row) {
        if let place = places[name] {
          units[place].rows.append(index)
          continue
        }
        places[name] = units.count
      }
      units.append((stratum(row), [index]))
    }
    var drawn: Set<Int> = []
    for place in draw(units.map(\.stratum)) { drawn.formUnion(units[place].rows) }
    return (
      rows.indices.filter { !drawn.contains($0) }.map { rows[$0] },
      rows.indices.filter { drawn.contains($0) }.map { rows[$0] }
    )
  }

  /// The places of the units that are held out.
  private func draw(_ strata: [String]) -> [Int] {
    let groups = Dictionary(grouping: strata.indices) { strata[$0] }.sorted { $0.key < $1.key }.map(\.value)
    let wanted = Int((Double(strata.count) * percentage / 100).rounded())
    let total = max(min(wanted, strata.count - 1), min(1, strata.count - 1))
    var counts = groups.map { Int(Double($0.count) * percentage / 100) }
    let remainders = groups.indices.map { Double(groups[$0].count) * percentage / 100 - Double(counts[$0]) }
    let order = groups.indices.sorted { (remainders[$0], -$0) > (remainders[$1], -$1) }
    for place in order where counts.reduce(0, +) < total && counts[place] < groups[place].count {
      counts[place] += 1
    }
    var generator = SplitMix64(seed, 0x5EED)
    var drawn: [Int] = []
    for (group, count) in zip(groups, counts) {
      var group = group
      generator.shuffle(&group)
      drawn += group.prefix(count)
    }
    return drawn
  }
}

/// Row of a file of which a share is held out.
package protocol HeldOutRow: Sendable, Hashable {
  /// Unit of rows that stay together; nil where each row is one.
  var unit: String? { get }
  /// Stratum of which each part has as large a share; empty where there are none.
  var stratum: String { get }
}

extension TextExample: HeldOutRow {
  /// None: rows stand for themselves.
  package var unit: String? { nil }
  /// The label, or the labels that apply.
  package var stratum: String {
    switch target {
    case .label(let label): "\(label)"
    case .labels(let labels): labels.map { $0 ? "1" : "0" }.joined()
    case .none, .value, .tags, .span: ""
    }
  }
}

extension TaggedSentence: HeldOutRow {
  /// None: sentences stand for themselves.
  package var unit: String? { nil }
  /// One for all.
  package var stratum: String { "" }
}

extension Question: HeldOutRow {
  /// The passage.
  package var unit: String? { context }
  /// One for all.
  package var stratum: String { "" }
}

extension Dataset where Example: HeldOutRow {
  /// The rows of a split of a file that a share is held out of for validation.
  package func part(_ split: DataSplit, by share: HeldOutShare) -> Dataset {
    let (kept, heldOut) = share.parts(of: examples, unit: \.unit, stratum: \.stratum)
    var result = self
    result.examples = split == .validation ? heldOut : kept
    let draw = "\(JSONValue.number(share.percentage).compactText) %, seed \(share.seed)"
    result.part =
      split == .validation
      ? "held out of \(examples.count) to score on (\(draw))"
      : "\(heldOut.count) more held out to score on (\(draw))"
    return result
  }
}
