import ModelFormats

/// Choice of an encoder's layers that keep their weights: the first so many, or some by their numbers from 0.
public struct FrozenLayers: Sendable, Equatable {
  /// The choice in words: `4` for the first four layers, `0-3,6` for layers by their numbers.
  public let text: String
  /// Runs of layers, counted from 0.
  public let ranges: [ClosedRange<Int>]

  /// The most layers that a choice can name.
  private static let maximum = 100_000

  /// The first layers of an encoder.
  public init(first count: Int) {
    precondition(count > 0 && count <= Self.maximum, "A choice of layers needs one at least, found \(count).")
    self.init("\(count)", [0...count - 1])
  }

  private init(_ text: String, _ ranges: [ClosedRange<Int>]) { (self.text, self.ranges) = (text, ranges) }

  /// A choice in words; nil for text that is none.
  ///
  /// As in Ultralytics' `freeze`, a number alone is the first so many layers, and a list names them.
  public init?(_ text: String) {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false).map { $0.filter { $0 != " " } }
    if parts.count == 1, let count = Int(parts[0]) {
      guard count > 0, count <= Self.maximum else { return nil }
      self.init(first: count)
      return
    }
    var ranges: [ClosedRange<Int>] = []
    for part in parts {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
      guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2, first >= 0,
        last >= first,
        last < Self.maximum
      else { return nil }
      ranges.append(first...last)
    }
    self.init(parts.joined(separator: ","), ranges.sorted { $0.lowerBound < $1.lowerBound })
  }

  /// Whether a layer is chosen.
  ///
  /// - Parameter layer: Its number from 0.
  public func contains(_ layer: Int) -> Bool { ranges.contains { $0.contains(layer) } }

  /// The highest layer that is named.
  public var last: Int { ranges.map(\.upperBound).max() ?? 0 }
}

extension FrozenLayers: SettingValue {
  package static func read(_ key: String, _ reader: inout FieldReader) -> FrozenLayers? {
    reader.value(key, expected: "a number of first layers, such as 4, or layers from 0, such as 0-3,6") {
      $0.stringValue.flatMap { FrozenLayers($0) } ?? $0.intValue.flatMap { FrozenLayers("\($0)") }
    }
  }

  package var json: JSONValue { .string(text) }
}
