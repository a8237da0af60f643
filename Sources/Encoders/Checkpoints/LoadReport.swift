import Kernels
import ModelFormats
import Tensors

/// Which parameters of a model came from its checkpoint, by canonical name (`bert.encoder.layer.0…`).
public struct LoadReport: Sendable, Equatable, CustomStringConvertible {
  /// A parameter with values that are NaN or infinite.
  public struct NonFinite: Sendable, Equatable {
    /// The canonical name.
    public let name: String
    /// The number of such values.
    public let count: Int
    /// The number of all its values.
    public let total: Int
  }

  /// Names that were loaded.
  public let loaded: [String]
  /// Names that the checkpoint lacks and that start with their initial values.
  public let fresh: [String]
  /// Names that the checkpoint has and the model does not use.
  public let ignored: [String]
  /// Loaded parameters that hold NaN or infinite values.
  public let nonFinite: [NonFinite]

  /// The counts, and the names that were not simply loaded.
  public var description: String {
    var parts = ["\(loaded.count) parameters loaded"]
    if !fresh.isEmpty { parts.append("\(fresh.count) fresh (\(shortList(fresh)))") }
    if let ignoredText { parts.append(ignoredText) }
    return parts.joined(separator: "; ")
  }

  /// What the checkpoint holds besides, in a few words; nil when every tensor is used.
  public var ignoredText: String? { Self.ignoredText([self]) }

  /// What a checkpoint holds besides the parameters of several models that were loaded from it, in a few words; nil when one
  /// of them or another uses each tensor.
  package static func ignoredText(_ reports: [LoadReport]) -> String? {
    guard let first = reports.first else { return nil }
    let others = reports.dropFirst().map { Set($0.ignored) }
    let ignored = first.ignored.filter { name in others.allSatisfy { $0.contains(name) } }
    if ignored.isEmpty { return nil }
    let tensors = ignored.count == 1 ? "1 tensor is" : "\(ignored.count) tensors are"
    return "\(tensors) not used by this model (\(shortList(ignored)))"
  }

  /// The parameters that hold NaN or infinite values, in a few words; nil when there are none.
  public var nonFiniteText: String? { nonFinite.isEmpty ? nil : NonFinite.text(nonFinite) }
}

extension LoadReport.NonFinite {
  /// The first of some parameters with their counts, and how many there are.
  static func text(_ found: [LoadReport.NonFinite]) -> String {
    shortList(found.map { "\($0.name): \($0.count) of \($0.total) values" })
  }

  /// The parameters with values that are NaN or infinite.
  static func find(in parameters: [Parameter], named name: (Parameter) -> String) -> [LoadReport.NonFinite] {
    let storages = parameters.map(\.storage)
    var found = [Int](repeating: 0, count: storages.count)
    Parallel.fill(&found, block: 1) { CheckpointReader.nonFiniteCount(storages[$0]) }
    return zip(parameters, found).compactMap { parameter, count in
      count == 0 ? nil : Self(name: name(parameter), count: count, total: parameter.count)
    }
  }
}

/// The first few names of a list, printable and short, and how many there are where that is more.
func shortList(_ names: [String], atMost limit: Int = 4) -> String {
  let shown = names.prefix(limit).map { printable($0, atMost: 200) }.joined(separator: ", ")
  return names.count > limit ? "\(shown), … \(names.count) in all" : shown
}
