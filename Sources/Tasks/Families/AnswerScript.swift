import TaskData

/// The official scripts that score answers to questions; a task is scored by one of them.
enum AnswerScript {
  /// SQuAD 1.1's evaluate-v1.1.py.
  case squad
  /// SQuAD 2.0's evaluate-v2.0.py, the only one that knows questions without an answer.
  case squadV2
  /// CMRC 2018's cmrc2018_evaluate.py, of DRCD too.
  case cmrc2018

  /// The script's name for messages.
  var title: String {
    switch self {
    case .squad: "SQuAD 1.1"
    case .squadV2: "SQuAD 2.0"
    case .cmrc2018: "CMRC 2018"
    }
  }

  /// The scores it gives, as it spells them; the usual one first.
  var metrics: [String] {
    switch self {
    case .squad: ["f1", "exact_match"]
    case .squadV2:
      [
        "f1", "exact", "HasAns_exact", "HasAns_f1", "NoAns_exact", "NoAns_f1", "best_exact",
        "best_exact_thresh", "best_f1", "best_f1_thresh",
      ]
    case .cmrc2018: ["AVERAGE", "F1", "EM"]
    }
  }

  /// The scores of all scripts, each once.
  static var allMetrics: [String] {
    squad.metrics + squadV2.metrics.filter { !squad.metrics.contains($0) } + cmrc2018.metrics
  }

  /// What is wrong with metrics of a task, nil when one script gives them all.
  ///
  /// - Parameters:
  ///   - metrics: Names of which each is known to some script.
  ///   - allowsNoAnswer: Whether questions may have no answer, which decides between the scripts.
  static func fault(of metrics: [String], allowsNoAnswer: Bool) -> String? {
    let scripts: [AnswerScript] = allowsNoAnswer ? [.squadV2] : [.squad, .cmrc2018]
    if scripts.contains(where: { script in metrics.allSatisfy(script.metrics.contains) }) { return nil }
    let expected = scripts.map { "\($0.title)'s script (\($0.metrics.joined(separator: ", ")))" }
      .joined(separator: " or all of ")
    let reason =
      allowsNoAnswer
      ? ", since version_2_with_negative is true"
      : "; those of SQuAD 2.0 need version_2_with_negative: true"
    return "metrics: found \(metrics.joined(separator: ", ")), expected all of \(expected)\(reason)"
  }
}
