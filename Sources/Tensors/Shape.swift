/// The extents of a tensor, outermost first; a scalar has none.
public struct Shape: Equatable, Hashable, Sendable, ExpressibleByArrayLiteral, CustomStringConvertible {
  /// The extents, outermost first.
  public let dimensions: [Int]

  /// A shape with the given extents, each at least 0.
  public init(_ dimensions: [Int]) {
    precondition(dimensions.allSatisfy { $0 >= 0 }, "A shape's extents must not be negative: \(dimensions).")
    self.dimensions = dimensions
  }

  /// A shape from a literal such as `[32, 384]`.
  public init(arrayLiteral elements: Int...) { self.init(elements) }

  /// The number of axes.
  public var rank: Int { dimensions.count }

  /// The number of elements; 1 for a scalar.
  public var count: Int { dimensions.reduce(1, *) }

  /// The extent of the last axis; 1 for a scalar.
  public var lastDimension: Int { dimensions.last ?? 1 }

  /// The number of rows when every axis but the last is folded into one.
  public var rowCount: Int { dimensions.dropLast().reduce(1, *) }

  /// The extent of one axis.
  public subscript(axis: Int) -> Int { dimensions[axis] }

  /// The shape as `[32, 384]`.
  public var description: String { "[" + dimensions.map(String.init).joined(separator: ", ") + "]" }
}
