/// A fault of one field of a configuration, or a doubt about it.
public struct Fault: Sendable, Equatable, CustomStringConvertible {
  /// How serious it is.
  public enum Severity: String, Sendable {
    /// Nothing can be done with the configuration.
    case fault
    /// It can be used but may not do what was meant.
    case warning
  }

  /// The path of the field as the user spells it, such as `intermediate_matches[2].layer_T`.
  public let field: String
  /// What was found, what was expected, what to do.
  public let message: String
  /// How serious it is.
  public let severity: Severity

  /// A fault, or a warning when `severity` says so.
  public init(_ field: String, _ message: String, severity: Severity = .fault) {
    self.field = field
    self.message = message
    self.severity = severity
  }

  /// The field and the message.
  public var description: String { "\(field): \(message)" }
}
