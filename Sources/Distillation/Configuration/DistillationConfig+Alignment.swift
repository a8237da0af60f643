import Encoders
import ModelFormats
import Tasks

extension DistillationConfig {
  /// What cannot be compared between a teacher and a student that read different tokens.
  func alignmentFaults(_ teacher: ModelDescription, _ matches: [Match]) -> [Fault] {
    let reason = "compares token by token, but teacher and student read different tokens"
    var faults: [Fault] = []
    for match in matches where match.isOfLayers {
      guard let loss = match.layerLoss, loss.feature != .hidden || match.takesAllLayers else { continue }
      faults.append(
        Fault(
          "intermediate_matches",
          "\(match.lossName) \(reason), so their attention has other rows and columns; match hidden states, "
            + "which are averaged over characters, instead"))
    }
    for match in matches where !match.isOfLayers && match.rows != .sequences {
      faults.append(
        Fault(
          "intermediate_matches",
          "\(match.lossName) of \(match.teacher.name) \(reason); match hidden states by layer_T and layer_S, "
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
