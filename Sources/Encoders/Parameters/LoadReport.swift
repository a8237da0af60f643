/// Which parameters of a model came from its checkpoint, by canonical name (`bert.encoder.layer.0…`).
public struct LoadReport: Sendable, Equatable, CustomStringConvertible {
  /// Names that were loaded.
  public let loaded: [String]
  /// Names that the checkpoint lacks and that start with their initial values.
  public let fresh: [String]
  /// Names that the checkpoint has and the model does not use.
  public let ignored: [String]

  /// The counts, and the names that were not simply loaded.
  public var description: String {
    var parts = ["\(loaded.count) parameters loaded"]
    if !fresh.isEmpty { parts.append("\(fresh.count) fresh (\(fresh.joined(separator: ", ")))") }
    if !ignored.isEmpty {
      let shown = ignored.prefix(6).joined(separator: ", ") + (ignored.count > 6 ? ", …" : "")
      parts.append("\(ignored.count) ignored (\(shown))")
    }
    return parts.joined(separator: "; ")
  }
}
