/// One thing to measure, chosen by name on the command line.
public protocol Benchmark {
  /// The word on the command line.
  static var name: String { get }
  /// One line for the list of benchmarks.
  static var summary: String { get }
  /// Checks that the answers are right, then measures and prints.
  ///
  /// - Parameter arguments: What follows the name on the command line.
  static func run(_ arguments: [String]) throws
}

/// A benchmark that must not print times, since its answers are wrong or its arguments make no sense.
public struct BenchmarkFault: Error, CustomStringConvertible {
  /// What is wrong and what to do.
  public let description: String

  /// A fault with a message in full sentences.
  public init(_ description: String) { self.description = description }
}
