import Kernels
import ModelFormats
import Tensors
import Tokenization

/// Error of a model that could not be built, loaded or saved.
public enum ModelError: Error, Equatable, CustomStringConvertible {
  /// A parameter whose shape in the checkpoint is not the configuration's.
  public struct Misshaped: Equatable, Sendable {
    /// The canonical parameter name.
    public let name: String
    /// The shape in the checkpoint.
    public let found: Shape
    /// The shape that follows from the configuration.
    public let expected: Shape
  }

  /// Everything in which a checkpoint differs from what the configuration calls for.
  public struct Misfit: Equatable, Sendable {
    /// The checkpoint's file or directory.
    public let file: String
    /// Names that the model needs and the checkpoint lacks.
    public let missing: [String]
    /// Names whose shapes differ.
    public let misshaped: [Misshaped]
    /// Names whose values cannot be read, each with the reason.
    public let unreadable: [String]
    /// Names that the checkpoint has and the model does not know: often the missing ones under another name.
    public let unexpected: [String]
  }

  /// The checkpoint does not fit the configuration.
  case misfit(Misfit)
  /// A configuration field is missing or has a value that cannot be used.
  case configuration(file: String, field: String, problem: String)
  /// Several fields of a configuration are wrong, each in an error of its own.
  indirect case faults([ModelError])
  /// A file of the model directory could not be read or written, or is damaged.
  case format(FormatError)
  /// The tokenizer's files could not be written.
  case tokenizer(TokenizerError)
  /// A model is not written because parameters hold NaN or infinite values.
  case nonFinite(file: String, parameters: [LoadReport.NonFinite])
  /// Request to a model that is impossible, such as a student deeper than its teacher.
  case request(String)

  /// The error as a person reads it: what, where, what was expected.
  public var description: String {
    switch self {
    case .misfit(let misfit): misfit.description
    case .configuration(let file, let field, let problem): "\(file): \(field): \(problem)"
    case .faults(let errors): errors.map(\.description).joined(separator: "\n")
    case .format(let error): error.description
    case .tokenizer(let error): error.description
    case .nonFinite(let file, let parameters):
      "\(file): the model is not written, since it holds NaN or infinite weights (\(LoadReport.NonFinite.text(parameters)))"
    case .request(let problem): problem
    }
  }
}

extension ModelError.Misfit: CustomStringConvertible {
  /// Text of all faults, one a line; of long lists only the beginning.
  public var description: String {
    var lines = ["\(file): the weights do not fit config.json:"]
    func list(_ faults: [String], atMost limit: Int, _ rest: String) {
      lines += faults.prefix(limit).map { "  " + printable($0, atMost: 400) }
      if faults.count > limit { lines.append("  … and \(faults.count - limit) more \(rest)") }
    }
    list(missing.map { $0 + ": missing" }, atMost: 40, "missing names")
    list(
      misshaped.map { "\($0.name): found shape \($0.found), expected \($0.expected)" }, atMost: 40,
      "names of another shape")
    list(unreadable, atMost: 40, "unreadable tensors")
    list(unexpected.map { $0 + ": not a name this model knows" }, atMost: 8, "unknown names")
    return lines.joined(separator: "\n")
  }
}

/// Report of which parameters of a model came from its checkpoint, by canonical name (`bert.encoder.layer.0…`).
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

  /// Tensors of the checkpoint that the model does not use, in a few words; nil when it uses every one.
  public var ignoredText: String? { Self.ignoredText([self]) }

  /// Tensors of a checkpoint that none of several models loaded from it uses, in a few words; nil when one
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
    // Integers are finite; their scales may not be.
    let storages = parameters.map { $0.quantized?.scales ?? $0.storage }
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
