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
    let drawn = drawn(units: rows.map(unit), strata: rows.map(stratum))
    return (
      rows.indices.filter { !drawn[$0] }.map { rows[$0] }, rows.indices.filter { drawn[$0] }.map { rows[$0] }
    )
  }

  /// Whether each row is held out, by its unit and its stratum, as above.
  package func drawn(units names: [String?], strata: [String]) -> [Bool] {
    var places: [String: Int] = [:]
    // The stratum of each unit is that of its first row.
    var (unitOfRow, strataOfUnits): ([Int32], [String]) = ([], [])
    unitOfRow.reserveCapacity(names.count)
    for (name, stratum) in zip(names, strata) {
      if let name {
        if let place = places[name] {
          unitOfRow.append(Int32(place))
          continue
        }
        places[name] = strataOfUnits.count
      }
      unitOfRow.append(Int32(strataOfUnits.count))
      strataOfUnits.append(stratum)
    }
    var isDrawn = [Bool](repeating: false, count: strataOfUnits.count)
    for place in draw(strataOfUnits) { isDrawn[place] = true }
    return unitOfRow.map { isDrawn[Int($0)] }
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

extension HeldOutShare {
  /// Note for people on a part of a file.
  ///
  /// - Parameters:
  ///   - all: The rows of the file.
  ///   - other: The rows of the other part.
  package func note(_ split: DataSplit, all: Int, other: Int) -> String {
    let draw = "\(JSONValue.number(percentage).compactText) %, seed \(seed)"
    return split == .validation
      ? "held out of \(all) to score on (\(draw))" : "\(other) more held out to score on (\(draw))"
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
    result.part = share.note(
      split, all: examples.count, other: split == .validation ? kept.count : heldOut.count)
    return result
  }
}
