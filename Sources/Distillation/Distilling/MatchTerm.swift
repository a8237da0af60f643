import Tensors

/// One match's part of a distiller's loss: finds the layers, picks rows, projects, compares.
struct MatchTerm {
  let match: ResolvedMatch
  let projection: Projection?
  /// Prefix sums of the batch's tokens, [B + 1].
  let starts: [Int32]

  /// The unweighted loss.
  func loss(
    student: AdaptorResult, teacher: AdaptorResult, in context: Context
  ) throws(DistillationError) -> Tensor {
    let type = match.match.loss
    if type.feature == .attention {
      let own = try layers(student.attention, match.studentPositions, side: "student", field: "attention")
      let other = try layers(teacher.attention, match.teacherPositions, side: "teacher", field: "attention")
      guard student.rows == nil, teacher.rows == nil else {
        throw .adaptor(
          side: "student", field: "rows", message: "attention is matched over all tokens; leave it nil")
      }
      return AttentionMatchLoss.compute(type, student: own[0], teacher: other[0], in: context)
    }
    var own = try layers(student.hidden, match.studentPositions, side: "student", field: "hidden")
    var other = try layers(teacher.hidden, match.teacherPositions, side: "teacher", field: "hidden")
    var starts = starts
    if let rows = student.rows {
      own = own.map { gatherRows($0, rows: rows, in: context) }
      starts = prefixSums(of: rows)
    }
    if let rows = teacher.rows { other = other.map { gatherRows($0, rows: rows, in: .inference) } }
    if let projection {
      // One layer compared with itself is projected once.
      own =
        match.studentPositions.count == 2 && match.studentPositions[0] == match.studentPositions[1]
        ? [Tensor](repeating: projection(own[0], in: context), count: 2)
        : own.map { projection($0, in: context) }
    }
    for (a, b) in zip(own, other) {
      let fits = type.needsEqualSizes ? a.shape == b.shape : a.shape[0] == b.shape[0]
      guard fits, a.shape[0] == Int(starts.last ?? 0) else {
        throw .adaptor(
          side: "student", field: "hidden",
          message:
            "\(match.match.logName) compares \(a.shape) of the student with \(b.shape) of the teacher over "
            + "\(starts.last ?? 0) tokens")
      }
    }
    guard starts.last ?? 0 > 0 else { return Tensor(0) }
    return HiddenMatchLoss.compute(type, student: own, teacher: other, starts: starts, in: context)
  }

  private func layers<Layer>(
    _ list: [Layer], _ positions: [Int], side: String, field: String
  ) throws(DistillationError) -> [Layer] {
    guard let last = positions.max(), last < list.count else {
      throw .adaptor(
        side: side, field: field,
        message: "found \(list.count) layers; \(match.match.logName) needs number "
          + "\(positions.max() ?? 0)")
    }
    return positions.map { list[$0] }
  }

  /// The boundaries of the sequences among chosen rows, which must be in order.
  private func prefixSums(of rows: [Int32]) -> [Int32] {
    starts.map { start in Int32(rows.count { $0 < start }) }
  }
}
