import Datasets
import Encoders
import Tensors
import Tokenization

/// Term of a match: finds the values, picks rows, projects, compares.
struct MatchTerm: LossTerm {
  let match: Match
  let projection: Projection?
  /// State of a match of all layers from batch to batch; nil for others.
  let transport: LayerTransport?
  /// Program whose arithmetic to follow.
  let compatibility: Compatibility?

  var name: String { match.logName }
  var studentTaps: [String] { match.student.names }
  var teacherTaps: [String] { match.teacher.names }
  func weight(progress: Double) -> Double { match.weight }

  /// The two sides on their way into a loss.
  private struct Sides {
    let student: Answers
    let teacher: Answers
    /// Prefix sums of the batch's tokens, [B + 1].
    let starts: [Int32]

    /// The boundaries of the sequences among chosen tokens, which must be in order.
    func starts(of rows: [Int32]?) -> [Int32] {
      rows.map { rows in starts.map { start in Int32(rows.count { $0 < start }) } } ?? starts
    }
  }

  func loss(
    student: Answers, teacher: Answers, batch: Batch, in context: Context
  ) throws -> Tensor {
    let sides = Sides(student: student, teacher: teacher, starts: batch.tokens.starts)
    switch match.comparison {
    case .own(let function): return try loss(of: sides, by: function, in: context)
    case .layers(let loss):
      switch loss.formula {
      case .hidden: return try hidden(sides, loss, in: context)
      case .attention:
        try requireSameTokens(sides)
        let own = try map(match.student.taps[0], of: student, "student")
        let other = try map(match.teacher.taps[0], of: teacher, "teacher")
        return loss.ofAttention(
          student: own, teacher: other, rows: student.rows, compatibility: compatibility)
      case .selfAttention: return try selfAttention(sides, loss)
      case .transport: return try transportLoss(sides, in: context)
      }
    }
  }

  private func hidden(_ sides: Sides, _ loss: LayerLoss, in context: Context) throws -> Tensor {
    let (own, other) = try values(sides, in: context)
    let starts = try boundaries(of: own, other, sides)
    for (a, b) in zip(own, other) {
      let fits = loss.needsEqualSizes ? a.shape == b.shape : a.shape[0] == b.shape[0]
      if !fits || a.shape[0] != Int(starts.last ?? 0) { throw misfit(a, b, starts) }
    }
    // A named module is one value a side, whatever the loss takes.
    let copies = { (layers: [Tensor]) in
      layers.count == loss.layerCount ? layers : [Tensor](repeating: layers[0], count: loss.layerCount)
    }
    return loss.ofHiddenStates(
      student: copies(own), teacher: copies(other), starts: starts, compatibility: compatibility)
  }

  private func loss(
    of sides: Sides, by function: CustomMatch.Loss.Function, in context: Context
  ) throws -> Tensor {
    let (own, other) = try values(sides, in: context)
    let starts = try boundaries(of: own, other, sides)
    guard own[0].shape[0] == other[0].shape[0] else { throw misfit(own[0], other[0], starts) }
    guard own[0].shape[0] > 0 else { return Tensor(0) }
    let loss = try function(own[0], other[0].detached, starts, context)
    guard loss.count == 1 else {
      throw DistillationError.adaptor(
        side: "student", field: "values",
        message: "the loss \(match.lossName) gave shape \(loss.shape), expected a scalar")
    }
    return loss
  }

  /// The values of both sides, of chosen tokens where some were chosen, the student's projected.
  private func values(
    _ sides: Sides, in context: Context
  ) throws(DistillationError) -> (student: [Tensor], teacher: [Tensor]) {
    var own = try rows(match.student.taps, of: sides.student, "student")
    if let projection {
      // One layer compared with itself is projected once.
      own =
        match.student.taps.count == 2 && match.student.taps[0] == match.student.taps[1]
        ? [Tensor](repeating: projection(own[0], in: context), count: 2)
        : own.map { projection($0, in: context) }
    }
    return (own, try rows(match.teacher.taps, of: sides.teacher, "teacher"))
  }

  /// The boundaries of the sequences among the values' rows.
  private func boundaries(
    of own: [Tensor], _ other: [Tensor], _ sides: Sides
  ) throws(DistillationError) -> [Int32] {
    let count = Int32(own[0].shape[0])
    switch match.rows {
    case .tokens: return sides.starts(of: sides.student.rows)
    // What is no row of a token stands alone, as a sequence of one row.
    case .sequences: return Array(0...count)
    case .answers: return count == sides.starts.last ? sides.starts : Array(0...count)
    }
  }

  private func selfAttention(_ sides: Sides, _ loss: LayerLoss) throws -> Tensor {
    try requireSameTokens(sides)
    guard let heads = match.relationHeads else {
      preconditionFailure("\(match.lossName) needs its heads resolved.")
    }
    if sides.student.rows?.isEmpty == true { return Tensor(0) }
    let vectors = { (side: Match.Side, answers: Answers, name: String) throws(DistillationError) in
      let found = try rows(side.taps, of: answers, name)
      return SelfAttentionVectors(queries: found[0], keys: found[1], values: found[2])
    }
    return loss.ofSelfAttention(
      student: try vectors(match.student, sides.student, "student"),
      teacher: try vectors(match.teacher, sides.teacher, "teacher"), heads: heads,
      weights: match.relationWeights, starts: sides.starts(of: sides.student.rows))
  }

  private func transportLoss(_ sides: Sides, in context: Context) throws -> Tensor {
    guard let transport else { preconditionFailure("A match of all layers has a transport.") }
    try requireSameTokens(sides)
    if sides.student.rows?.isEmpty == true { return Tensor(0) }
    let scores = { (side: Match.Side, answers: Answers, name: String) throws(DistillationError) in
      var maps: [Tensor] = []
      for tap in side.scores {
        let map = try map(tap, of: answers, name)
        maps.append((answers.rows.map { map.restricted(to: $0) } ?? map).values)
      }
      return maps
    }
    return transport.loss(
      student: try rows(match.student.taps, of: sides.student, "student"),
      teacher: try rows(match.teacher.taps, of: sides.teacher, "teacher"),
      attention: match.comparesAttention
        ? (
          try scores(match.student, sides.student, "student"),
          try scores(match.teacher, sides.teacher, "teacher")
        ) : nil,
      in: context)
  }

  // MARK: Values by name

  /// Some values of one side; of chosen tokens, where some were chosen and the values have rows of tokens.
  private func rows(
    _ names: [String], of answers: Answers, _ side: String
  ) throws(DistillationError) -> [Tensor] {
    var found: [Tensor] = []
    for name in names {
      guard let value = answers.values[name] else { throw missing(name, side) }
      found.append(match.rows == .tokens ? answers.rows.map { value.rows(at: $0) } ?? value : value)
    }
    return found
  }

  private func map(_ name: String, of answers: Answers, _ side: String) throws(DistillationError)
    -> AttentionMaps
  {
    guard let map = answers.maps[name] else { throw missing(name, side) }
    return map
  }

  private func missing(_ name: String, _ side: String) -> DistillationError {
    .adaptor(side: side, field: "values", message: "has no \(name), which \(match.logName) needs")
  }

  private func misfit(_ own: Tensor, _ other: Tensor, _ starts: [Int32]) -> DistillationError {
    .adaptor(
      side: "student", field: "values",
      message:
        "\(match.logName) compares \(own.shape) of the student with \(other.shape) of the teacher over "
        + "\(starts.last ?? 0) rows")
  }

  private func requireSameTokens(_ sides: Sides) throws(DistillationError) {
    guard sides.student.rows == sides.teacher.rows else {
      throw .adaptor(
        side: "student", field: "rows",
        message:
          "\(match.logName) relates tokens to each other, so both sides must choose the same ones")
    }
  }
}
