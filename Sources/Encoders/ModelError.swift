import Tensors

/// Why a model could not be built, loaded or saved.
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

  /// The checkpoint does not fit the configuration.
  case incompatible(missing: [String], misshaped: [Misshaped])
  /// A configuration field is missing or has a value that cannot be used.
  case configuration(file: String, field: String, problem: String)
  /// A file of the model directory could not be read or written.
  case file(String)

  /// The error as a person reads it: what, where, what was expected.
  public var description: String {
    switch self {
    case .incompatible(let missing, let misshaped):
      var lines = ["the checkpoint does not fit config.json:"]
      lines += missing.map { "  \($0): missing" }
      lines += misshaped.map { "  \($0.name): found shape \($0.found), expected \($0.expected)" }
      return lines.joined(separator: "\n")
    case .configuration(let file, let field, let problem): return "\(file): \(field): \(problem)"
    case .file(let problem): return problem
    }
  }
}
