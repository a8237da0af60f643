import Distillation
import ModelFormats
import Training

/// The plan of a run: of a distillation in one stage or two, or of BERT-of-Theseus.
struct RunPlan {
  /// What is doubtful, each thing once.
  let warnings: [Fault]
  /// The plan for people.
  let linesWithWarnings: [String]
  /// The plan for machines; of two stages a list under `stages`.
  let json: JSONValue

  /// The plan, once everything fits.
  init(
    of run: DistillRun, _ config: DistillationConfig, training: TrainingConfig, stage: FeatureStage?
  ) throws {
    if let replacing = run.replacing {
      (linesWithWarnings, json) = try replacing.plan(training: training, examples: run.examples)
      warnings = []
    } else if let stage {
      let first = try run.plan(stage.features(of: config), training: stage.training(training))
      let second = try run.plan(stage.predictions(of: config), training: training)
      linesWithWarnings =
        ["stage 1 of 2: features"] + first.lines + ["stage 2 of 2: predictions"] + second.lines
      warnings = first.warnings + second.warnings.filter { !first.warnings.contains($0) }
      json = ["stages": [first.json, second.json]]
    } else {
      let plan = try run.plan(config, training: training)
      (linesWithWarnings, warnings, json) = (plan.lines, plan.warnings, plan.json)
    }
  }

  /// The plan for people, its warnings left out.
  var lines: [String] { linesWithWarnings.filter { !$0.hasPrefix("warning") } }
}
