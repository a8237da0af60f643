/// One example as a model sees it: token ids with their segments, and the label.
public struct EncodedExample: Sendable, Hashable {
  /// The label of an example that has none; losses and metrics skip it.
  public static let noLabel: Int32 = -100

  /// The token ids, special tokens included [length].
  public var ids: [Int32]
  /// The segment of each token, 0 for the first text and 1 for its pair [length].
  public var segments: [Int32]
  /// The index of the label, or `noLabel`.
  public var label: Int32

  /// An example of one or more tokens.
  public init(ids: [Int32], segments: [Int32], label: Int32 = noLabel) {
    precondition(
      ids.count == segments.count,
      "An example needs one segment for each id, but has \(ids.count) ids and \(segments.count) segments.")
    self.ids = ids
    self.segments = segments
    self.label = label
  }

  /// The number of tokens.
  public var length: Int { ids.count }
}
