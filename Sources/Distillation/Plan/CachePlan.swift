/// Where a run keeps its teacher's answers on disk.
public struct CachePlan: Sendable, Equatable {
  /// What they take, in bytes; nil for answers that were there before.
  public let bytes: Int?
  /// The file or folder.
  public let place: String
  /// Whether the run deletes them at its end.
  public let isTemporary: Bool

  /// A plan of answers in a file or folder.
  public init(bytes: Int?, place: String, isTemporary: Bool) {
    (self.bytes, self.place, self.isTemporary) = (bytes, place, isTemporary)
  }

  /// The plan in words.
  var text: String {
    let size = bytes.map { "\(CacheBudget.text($0)) in " } ?? ""
    return size + place
      + (isTemporary ? " until the end; the teacher runs once" : "; the teacher does not run")
  }
}
