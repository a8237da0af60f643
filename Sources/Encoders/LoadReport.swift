/// Which parameters of a model came from its checkpoint.
public struct LoadReport: Sendable, Equatable {
  /// Names that were loaded.
  public let loaded: [String]
  /// Names that the checkpoint lacks and that start with their initial values.
  public let fresh: [String]
  /// Names that the checkpoint has and the model does not use.
  public let ignored: [String]
}
