import Encoders
import Tensors

/// One match's part of a distiller's loss: finds the layers, picks rows, projects, compares.
struct MatchTerm {
  let match: ResolvedMatch
  let projection: Projection?
  /// What a match of all layers keeps from batch to batch.
  let transport: LayerTransport?
  /// Prefix sums of the batch's tokens, [B + 1].
  let starts: [Int32]
  /// Whose arithmetic to follow.
  let compatibility: Compatibility?

  /// The unweighted loss.
  func loss(
    student: AdaptorResult, teacher: AdaptorResult, in context: Context
  ) throws(DistillationError) -> Tensor {
    if let transport { return try transportLoss(transport, student: student, teacher: teacher, in: context) }
    return switch match.match.feature {
    case .attention: try attentionLoss(student: student, teacher: teacher)
    case .selfAttention: try selfAttentionLoss(student: student, teacher: teacher)
    case .hidden: try hiddenLoss(student: student, teacher: teacher, in: context)
    }
  }

  private func attentionLoss(
    student: AdaptorResult, teacher: AdaptorResult
  ) throws(DistillationError) -> Tensor {
    let own = try layers(student.attention, match.studentPositions, side: "student", field: "attention")
    let other = try layers(teacher.attention, match.teacherPositions, side: "teacher", field: "attention")
    try requireSameTokens(student, teacher)
    return AttentionMatchLoss.compute(
      match.match.loss, student: own[0], teacher: other[0], rows: student.rows, compatibility: compatibility)
  }

  private func selfAttentionLoss(
    student: AdaptorResult, teacher: AdaptorResult
  ) throws(DistillationError) -> Tensor {
    let own = try vectors(student, match.studentPositions[0], side: "student")
    let other = try vectors(teacher, match.teacherPositions[0], side: "teacher")
    try requireSameTokens(student, teacher)
    guard let heads = match.relationHeads else {
      preconditionFailure("\(match.match.loss.rawValue) needs its heads resolved.")
    }
    let chosen = student.rows
    if chosen?.isEmpty == true { return Tensor(0) }
    return SelfAttentionLoss.compute(
      match.match.loss, student: chosen.map { own.rows($0) } ?? own,
      teacher: chosen.map { other.rows($0) } ?? other, heads: heads,
      weights: match.match.relationWeights, starts: chosen.map { prefixSums(of: $0) } ?? starts)
  }

  private func hiddenLoss(
    student: AdaptorResult, teacher: AdaptorResult, in context: Context
  ) throws(DistillationError) -> Tensor {
    let type = match.match.loss
    var own = try layers(student.hidden, match.studentPositions, side: "student", field: "hidden")
    var other = try layers(teacher.hidden, match.teacherPositions, side: "teacher", field: "hidden")
    var starts = starts
    if let rows = student.rows {
      own = own.map { $0.rows(at: rows) }
      starts = prefixSums(of: rows)
    }
    if let rows = teacher.rows { other = other.map { $0.rows(at: rows) } }
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
    return HiddenMatchLoss.compute(
      type, student: own, teacher: other, starts: starts, compatibility: compatibility)
  }

  private func transportLoss(
    _ transport: LayerTransport, student: AdaptorResult, teacher: AdaptorResult, in context: Context
  ) throws(DistillationError) -> Tensor {
    try requireSameTokens(student, teacher)
    if student.rows?.isEmpty == true { return Tensor(0) }
    let hidden = {
      (result: AdaptorResult, positions: [Int], side: String) throws(DistillationError) in
      let states = try layers(result.hidden, positions, side: side, field: "hidden")
      return result.rows.map { rows in states.map { $0.rows(at: rows) } } ?? states
    }
    let scores = {
      (result: AdaptorResult, positions: [Int], side: String) throws(DistillationError) in
      // Block k is the place after the embeddings in the hidden states, but the place k − 1 among the maps.
      let maps = try layers(result.attention, positions.dropLast(), side: side, field: "attention")
      return maps.map { map in
        (result.rows.map { map.restricted(to: $0) } ?? map).values
      }
    }
    let (own, other) = (match.studentPositions, match.teacherPositions)
    return transport.loss(
      student: try hidden(student, own, "student"),
      teacher: try hidden(teacher, other, "teacher"),
      attention: match.comparesAttention
        ? (try scores(student, own, "student"), try scores(teacher, other, "teacher"))
        : nil,
      in: context)
  }

  private func requireSameTokens(
    _ student: AdaptorResult, _ teacher: AdaptorResult
  ) throws(DistillationError) {
    guard student.rows == teacher.rows else {
      throw .adaptor(
        side: "student", field: "rows",
        message:
          "\(match.match.logName) relates tokens to each other, so both sides must choose the same ones")
    }
  }

  private func vectors(
    _ result: AdaptorResult, _ position: Int, side: String
  ) throws(DistillationError) -> SelfAttentionVectors {
    guard let vectors = result.selfAttention[position] else {
      throw .adaptor(
        side: side, field: "selfAttention",
        message: "found layers \(result.selfAttention.keys.sorted()); \(match.match.logName) needs number "
          + "\(position)")
    }
    return vectors
  }

  private func layers<Layer>(
    _ list: [Layer], _ positions: some Collection<Int>, side: String, field: String
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
