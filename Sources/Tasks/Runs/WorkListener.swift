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
  /// Invocation of the program that the work is done for; nil where there is none.
  var invocation: Invocation? { get }
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
  /// None.
  public var invocation: Invocation? { nil }
}

/// Listener that says nothing.
public final class SilentListener: WorkListener {
  /// A listener.
  public init() {}
}

/// Invocation of a program that works for a listener, as `provenance.json` tells it.
public struct Invocation: Sendable, Equatable {
  /// The command line.
  public var commandLine: [String]
  /// The commit that the program was built from; nil where nobody knows it.
  public var commit: String?

  /// An invocation.
  public init(_ commandLine: [String], commit: String? = nil) {
    (self.commandLine, self.commit) = (commandLine, commit)
  }
}
