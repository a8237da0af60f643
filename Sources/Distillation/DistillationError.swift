import ModelFormats

/// What can go wrong before and during a distillation.
public enum DistillationError: Error, Sendable, Equatable {
  /// A configuration with faults, all of them.
  case invalidConfiguration([Fault])
  /// A configuration file that cannot be read or is not JSON.
  case unreadable(file: String, reason: String)
  /// A file that cannot be written.
  case unwritable(file: String, reason: String)
  /// A teacher's cache that cannot be made or used.
  case cache(file: String, message: String)
  /// An adaptor returned something the configuration cannot work with.
  case adaptor(side: String, field: String, message: String)
}

extension DistillationError: CustomStringConvertible {
  /// The message: where, what was found, what was expected, what to do.
  public var description: String {
    switch self {
    case .invalidConfiguration(let faults):
      "The distillation configuration has \(faults.count) fault\(faults.count == 1 ? "" : "s"):\n"
        + faults.map { "  - \($0)" }.joined(separator: "\n")
    case .unreadable(let file, let reason): "\(file): cannot be read: \(reason)"
    case .unwritable(let file, let reason): "\(file): cannot be written: \(reason)"
    case .cache(let file, let message): "\(file): \(message)"
    case .adaptor(let side, let field, let message): "The \(side)'s adaptor, \(field): \(message)"
    }
  }
}
