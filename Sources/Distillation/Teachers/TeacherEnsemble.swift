import Tasks
import Tensors

/// The logits of several teachers for one batch, on their way into one loss.
struct TeacherEnsemble {
  let average: TeacherAverage
  /// The share of each teacher; they add up to 1.
  let shares: [Double]
  /// Each teacher's result, in the student's order of labels.
  let members: [AdaptorResult]

  /// One teacher with the mean of all logits.
  ///
  /// - Parameters:
  ///   - average: The mean of logits, or of probabilities; nothing else gives one teacher.
  ///   - kind: What the logits mean.
  ///   - temperature: τ > 0, for probabilities.
  func mean(
    _ average: TeacherAverage, kind: LogitsKind, temperature: Double
  ) throws(DistillationError) -> AdaptorResult {
    var result = members[0]
    result.ensemble = nil
    for (number, member) in members.enumerated() {
      guard member.logits.map(\.shape) == result.logits.map(\.shape), member.logitRows == result.logitRows
      else {
        throw .adaptor(
          side: "teacher", field: "logits",
          message: "teacher \(number + 1) gave \(member.logits.map { "\($0.shape)" }), the first one "
            + "\(result.logits.map { "\($0.shape)" }); teachers can only be averaged over the same rows")
      }
    }
    result.logits = result.logits.indices.map { index in
      let logits = members.map { $0.logits[index] }
      return average == .logits
        ? MeanLogits.ofLogits(logits, shares: shares)
        : MeanLogits.ofProbabilities(logits, shares: shares, kind: kind, temperature: temperature)
    }
    return result
  }
}
