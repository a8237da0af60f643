import Tensors

/// The logits of a frozen teacher by example, so that it runs once over the data and not once an epoch.
///
/// Examples are known by their place in the data set; batches may be put together differently every epoch, since a
/// teacher without dropout answers each example alike in any company.
public final class TeacherCache {
  private var rows: [Int: Int] = [:]
  private var values: [Float] = []
  private var classes = 0

  /// An empty cache.
  public init() {}

  /// The number of examples whose logits are known.
  public var count: Int { rows.count }

  /// The memory the logits take, in bytes.
  public var byteCount: Int { values.count * 4 }

  /// The logits of some examples, [indices.count, classes]; nil unless all are known.
  public func logits(of indices: [Int]) -> Tensor? {
    var result: [Float] = []
    result.reserveCapacity(indices.count * classes)
    for index in indices {
      guard let row = rows[index] else { return nil }
      result += values[row * classes..<(row + 1) * classes]
    }
    return Tensor(result, shape: [indices.count, classes])
  }

  /// Keeps the logits of some examples.
  ///
  /// - Throws: `DistillationError.adaptor` when the teacher does not give one row of logits per sequence.
  public func store(_ result: AdaptorResult, of indices: [Int]) throws(DistillationError) {
    guard result.logits.count == 1, let logits = result.logits.first, result.logitRows == nil,
      logits.shape.rank == 2, logits.shape[0] == indices.count
    else {
      throw .adaptor(
        side: "teacher", field: "logits",
        message: "cache_teacher_logits needs one row of logits per sequence, found "
          + "\(result.logits.map { "\($0.shape)" }.joined(separator: ", ")); set it to false")
    }
    classes = logits.shape[1]
    let fresh = logits.values
    for (row, index) in indices.enumerated() where rows[index] == nil {
      rows[index] = rows.count
      values += fresh[row * classes..<(row + 1) * classes]
    }
  }
}
