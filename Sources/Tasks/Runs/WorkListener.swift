/// Listener to the work around a training loop: messages, warnings, and how far a long piece has come.
///
/// Every method has a default that does nothing.
public protocol WorkListener: AnyObject {
  /// A message that a user may want to read.
  func note(_ text: String)
  /// A message that a user must read.
  func warn(_ text: String)
  /// The share of a piece of work that is done; a new title begins another piece.
  func progress(_ title: String, done: Int, total: Int)
  /// The end of a piece of work.
  func progressEnded()
}

extension WorkListener {
  /// Does nothing.
  public func note(_ text: String) {}
  /// Does nothing.
  public func warn(_ text: String) {}
  /// Does nothing.
  public func progress(_ title: String, done: Int, total: Int) {}
  /// Does nothing.
  public func progressEnded() {}
}

/// Listener that says nothing.
public final class SilentListener: WorkListener {
  /// A listener.
  public init() {}
}
