/// One thing wrong with a configuration.
public struct ConfigurationFault: Sendable, Equatable, CustomStringConvertible {
  /// The field, as the user spells it.
  public let field: String
  /// What was found, what was expected, and what to do.
  public let problem: String

  /// A fault of one field.
  public init(_ field: String, _ problem: String) {
    self.field = field
    self.problem = problem
  }

  /// `field: problem`.
  public var description: String { "\(field): \(problem)" }
}
