public import Tensors

/// The logits of a frozen teacher by example, so that it runs once over the data and not once an epoch.
///
/// Examples are known by their place in the data set; batches may be put together differently every epoch. An answer is the
/// one that was stored first: the texts beside an example change only the last bits of it. An example has one row of logits, or one for each
/// of its tokens, in each list of logits that the teacher's adaptor gives.
public final class TeacherCache {
  /// One list of logits.
  private struct List {
    /// The values of a row: the classes, or 1 where logits come as a vector.
    let width: Int
    /// Whether logits come as a vector, [rows].
    let isVector: Bool
    var values: [Float] = []
  }
  private var lists: [List] = []
  /// The rows of each known example, in every list.
  private var rows: [Int: Range<Int>] = [:]

  /// An empty cache.
  public init() {}

  /// The number of examples whose logits are known.
  public var count: Int { rows.count }

  /// The memory the logits take, in bytes.
  public var byteCount: Int { lists.reduce(0) { $0 + $1.values.count * 4 } }

  /// Each list of logits of some examples, [rows, classes] or [rows], one example after the other; nil unless all are
  /// known.
  public func logits(of indices: [Int]) -> [Tensor]? {
    let ranges = indices.compactMap { rows[$0] }
    guard ranges.count == indices.count else { return nil }
    let total = ranges.reduce(0) { $0 + $1.count }
    return lists.map { list in
      var result: [Float] = []
      result.reserveCapacity(total * list.width)
      for range in ranges {
        result += list.values[range.lowerBound * list.width..<range.upperBound * list.width]
      }
      return Tensor(result, shape: list.isVector ? [total] : [total, list.width])
    }
  }

  /// Whether the logits of an example are known.
  func holds(_ index: Int) -> Bool { rows[index] != nil }

  /// The number of rows of some examples, nil unless all are known.
  func rowCounts(of indices: [Int]) -> [Int]? {
    let counts = indices.compactMap { rows[$0]?.count }
    return counts.count == indices.count ? counts : nil
  }

  /// Keeps the logits of some examples.
  ///
  /// - Parameters:
  ///   - answers: The teacher's answers to a batch, with logits of one row a sequence or one a token in each list.
  ///   - indices: The places of the batch's sequences in the data set, [B].
  ///   - starts: Where each sequence begins, and the number of tokens, [B + 1].
  /// - Throws: `DistillationError.adaptor` when the logits are of other rows than these.
  public func store(
    _ answers: Answers, of indices: [Int], starts: [Int32]
  ) throws(DistillationError) {
    let shapes = answers.logits.map(\.shape)
    let count = shapes.first.map { $0.rank > 0 ? $0[0] : 0 }
    let isByToken = count != indices.count
    let fits = shapes.allSatisfy { (1...2).contains($0.rank) && $0[0] == count }
    guard fits, answers.logitRows == nil, starts.count == indices.count + 1, let count,
      !isByToken || count == Int(starts.last ?? 0)
    else {
      throw .adaptor(
        side: "teacher", field: "logits",
        message: "cache_teacher_logits needs one row of logits per sequence or per token, found "
          + "\(shapes.map { "\($0)" }.joined(separator: ", ")); set it to false")
    }
    try store(
      answers.logits,
      rows: indices.indices.map { isByToken ? Int(starts[$0])..<Int(starts[$0 + 1]) : $0..<$0 + 1 },
      of: indices)
  }

  /// Keeps some rows of logits for each of some examples.
  func store(
    _ logits: [Tensor], rows source: [Range<Int>], of indices: [Int]
  ) throws(DistillationError) {
    let fresh = logits.map { List(width: $0.shape.rank == 1 ? 1 : $0.shape[1], isVector: $0.shape.rank == 1) }
    if lists.isEmpty { lists = fresh }
    guard lists.map(\.width) == fresh.map(\.width), lists.map(\.isVector) == fresh.map(\.isVector) else {
      throw .adaptor(
        side: "teacher", field: "logits",
        message: "found rows of \(fresh.map(\.width)) values, in earlier batches \(lists.map(\.width))")
    }
    var next = rows.isEmpty ? 0 : lists[0].values.count / max(1, lists[0].width)
    var isNew = [Bool](repeating: false, count: indices.count)
    for (place, index) in indices.enumerated() where rows[index] == nil {
      rows[index] = next..<next + source[place].count
      next += source[place].count
      isNew[place] = true
    }
    for (list, tensor) in logits.enumerated() {
      let (values, width) = (tensor.values, lists[list].width)
      for (place, range) in source.enumerated() where isNew[place] {
        lists[list].values += values[range.lowerBound * width..<range.upperBound * width]
      }
    }
  }
}
