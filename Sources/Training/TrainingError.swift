import ModelFormats

/// Error before or during training.
public enum TrainingError: Error, CustomStringConvertible {
  /// The settings contradict themselves; every fault is listed.
  case configuration([Fault])
  /// Names that two different parameters share, or parameters that are in two groups.
  case parameterNames([String])
  /// There is nothing to train on.
  case noData(String)
  /// A loss is NaN or infinite, or gradients are although the loss is not; `advice` is what to do about the likely cause.
  case nonFinite(NonFiniteStep, advice: String)
  /// Updates were left out one after the other for such numbers, of which the last is named.
  case nonFiniteRun(NonFiniteStep, skipped: Int, advice: String)
  /// An update made weights that are not numbers, or infinite; `advice` is what to do about the likely cause.
  case nonFiniteWeights(parameter: String, step: Int, advice: String)
  /// A metric that the best model should be chosen by is not among those the evaluation gave.
  case unknownMetric(String, known: [String])
  /// Interruption of the run after a step; the checkpoint is nil where there is no folder for one.
  case interrupted(step: Int, of: Int, checkpoint: String?)
  /// A checkpoint cannot be written, read or resumed from.
  case checkpoint(path: String, problem: String)
  /// A file of the run folder cannot be written.
  case runFolder(path: String, problem: String)
  /// The ranks that a launcher has started are not of one run.
  case ranks(rank: Int, problem: String)

  /// The thing, what was found, what was expected, and what to do.
  public var description: String {
    switch self {
    case .configuration(let faults):
      let list = faults.map { "\n  \($0)" }.joined()
      return "the training settings have \(faults.count) fault\(faults.count == 1 ? "" : "s"):\(list)"
    case .parameterNames(let names):
      return "parameters to optimise must have names of their own and be in one group only; these are not: "
        + names.prefix(8).joined(separator: ", ") + (names.count > 8 ? " and \(names.count - 8) more" : "")
        + ". Give each model a name prefix, or list tied parameters once."
    case .noData(let what): return what
    case .nonFinite(let found, let advice):
      return "\(found); a finite number was expected. \(advice) Checkpoints from before are intact."
    case .nonFiniteRun(let found, let skipped, let advice):
      return
        "\(skipped) updates in a row were left out, since their losses or gradients were not finite, so the run ends; the last: "
        + "\(found). \(advice) Checkpoints from before are intact."
    case .nonFiniteWeights(let parameter, let step, let advice):
      return
        "the weights are not finite after step \(step), the first of them in \(parameter), so they are not saved. \(advice) "
        + "Checkpoints from before are intact."
    case .unknownMetric(let name, let known):
      return "metric_for_best_model is \"\(name)\", but the evaluation gives "
        + known.map { "\"\($0)\"" }.joined(separator: ", ") + "; name one of these."
    case .interrupted(let step, let total, let checkpoint):
      return "interrupted after step \(step) of \(total)"
        + (checkpoint.map {
          "; the run is saved in \($0). Go on with the same command and --resume-from-checkpoint last"
        }
          ?? "")
    case .checkpoint(let path, let problem): return "checkpoint \(path): \(problem)"
    case .runFolder(let path, let problem): return "run folder \(path): \(problem)"
    case .ranks(let rank, let problem):
      return "rank \(rank): \(problem); start all ranks with one command, over the same files and models"
    }
  }
}
