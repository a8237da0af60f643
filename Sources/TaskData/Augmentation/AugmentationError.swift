/// What keeps texts from being made, every fault in one message.
public struct AugmentationError: Error, Sendable, Equatable, CustomStringConvertible {
  /// One sentence per fault.
  public let faults: [String]

  /// An error of one or more faults.
  public init(_ faults: [String]) { self.faults = faults }

  /// The faults.
  public var description: String {
    faults.count == 1
      ? "augmentation: " + faults[0]
      : "augmentation: \(faults.count) faults:\n  " + faults.joined(separator: "\n  ")
  }
}
