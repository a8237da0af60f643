import Encoders
import ModelFormats
import Tasks

extension DistillationConfig {
  /// What cannot be compared between a teacher and a student that read different tokens.
  func alignmentFaults(
    _ teacher: ModelDescription, _ matches: [ResolvedMatch], _ customMatches: [ResolvedCustomMatch]
  ) -> [Fault] {
    let reason = "compares token by token, but teacher and student read different tokens"
    var faults: [Fault] = []
    for match in matches where match.match.feature != .hidden || match.match.loss.takesAllLayers {
      faults.append(
        Fault(
          "intermediate_matches",
          "\(match.match.loss.rawValue) \(reason), so their attention has other rows and columns; match hidden states, "
            + "which are averaged over characters, instead"))
    }
    for match in customMatches where match.teacher.rows != .sequences {
      faults.append(
        Fault(
          "intermediate_matches",
          "\(match.match.loss.name) of \(match.teacher.name) \(reason); match hidden states by layer_T and layer_S, "
            + "which are averaged over characters, instead"))
    }
    guard usesTeacherLogits else { return faults }
    if teacher.family.answersWithTokens {
      faults.append(
        Fault(
          "kd_loss_weight",
          "the logits of masked words \(reason): they are distributions over different words; set it to 0 or give both "
            + "one tokenizer"))
    }
    if teacher.family.form == .positions, kdLossType == .mse {
      faults.append(
        Fault(
          "kd_loss_type",
          "mse \(reason); use ce, reverse_kl or jsd, for which the probabilities are moved along the characters"
        ))
    }
    return faults
  }
}
