import Datasets
import Evaluation
import Training

/// Run behind a report on robustness: each model answers the rows of each condition once.
struct RobustnessRun {
  private let models: [TokenizedModel]
  private let data: EvaluationData
  private let settings: RobustnessSettings
  private let listener: any WorkListener

  /// Rows to be asked about.
  private struct Rows {
    let name: String
    var perturbation: Perturbation?
    let data: EvaluationData
    /// Places among the clean rows; nil of another domain.
    let places: [Int]?
  }

  init(
    _ models: [TokenizedModel], _ data: EvaluationData, _ settings: RobustnessSettings,
    _ listener: any WorkListener
  ) {
    (self.models, self.data, self.settings, self.listener) = (models, data, settings, listener)
  }

  /// All conditions, the clean rows first.
  func conditions(_ outOfDomain: [(name: String, data: EvaluationData)]) throws -> [RobustnessReport
    .Condition]
  {
    let changed = try settings.perturbations(of: data.examples).map { perturbation in
      let (rows, places) = try perturbation.changed(data.examples, seed: settings.seed)
      return Rows(
        name: perturbation.kind.rawValue, perturbation: perturbation,
        data: EvaluationData(task: data.task, examples: rows), places: places)
    }
    let others = outOfDomain.map { Rows(name: $0.name, data: $0.data, places: nil) }
    let total = models.count * ([data] + (changed + others).map(\.data)).reduce(0) { $0 + $1.examples.count }
    var done = 0
    defer { listener.progressEnded() }
    func answers(_ rows: EvaluationData) throws -> [RowAnswers] {
      try models.map { model in
        let answers = try RowAnswers(of: model, to: rows) {
          listener.progress("Answering", done: done + $0, total: total)
        }
        done += rows.examples.count
        return answers
      }
    }
    let clean = try answers(data)
    var conditions = [condition("clean", clean, before: clean.map { ($0, false) })]
    for rows in changed {
      guard let places = rows.places, !places.isEmpty else {
        conditions.append(
          RobustnessReport.Condition(
            name: rows.name, perturbation: rows.perturbation, rowCount: 0, results: [], isOutOfDomain: false))
        continue
      }
      let before = try clean.indices.map { (try clean[$0].part(at: places, of: models[$0], data), true) }
      conditions.append(
        condition(rows.name, try answers(rows.data), before: before, perturbation: rows.perturbation))
    }
    for rows in others {
      conditions.append(
        condition(rows.name, try answers(rows.data), before: clean.map { ($0, false) }, isOutOfDomain: true))
    }
    return conditions
  }

  /// A condition.
  ///
  /// - Parameters:
  ///   - answers: The answers of each model.
  ///   - before: What they are compared with, and whether that is the same rows.
  private func condition(
    _ name: String, _ answers: [RowAnswers], before: [(answers: RowAnswers, isSameRows: Bool)],
    perturbation: Perturbation? = nil, isOutOfDomain: Bool = false
  ) -> RobustnessReport.Condition {
    let results = answers.indices.map { model in
      let (own, old) = (answers[model], before[model])
      let isFirst = model == 0
      let flips = old.isSameRows ? own.flips(from: old.answers) : nil
      let drop =
        perturbation == nil && !isOutOfDomain ? nil : Self.drop(own.scores, from: old.answers.scores)
      let scale = data.task.kind.family.scoreScale
      return RobustnessReport.Result(
        scores: own.scores, cleanScores: old.answers.scores,
        drop: drop,
        dropError: drop == nil ? nil : flips.map { scale * Double($0).squareRoot() / Double(own.count) },
        flips: flips,
        meanChange: old.isSameRows ? own.meanChange(from: old.answers) : nil,
        constantAnswer: own.constant,
        agreement: isFirst ? nil : own.agreement(with: answers[0]),
        correlation: isFirst ? nil : own.correlation(with: answers[0]),
        calibration: own.calibration, brier: own.brier)
    }
    return RobustnessReport.Condition(
      name: name, perturbation: perturbation, rowCount: answers[0].count, results: results,
      isOutOfDomain: isOutOfDomain)
  }

  /// Loss of the first metric; nil where one side has none.
  private static func drop(_ scores: [Score], from clean: [Score]) -> Double? {
    guard let before = clean.first, let after = scores.first(where: { $0.name == before.name }),
      !before.value.isNaN, !after.value.isNaN
    else { return nil }
    let isError = ["mse", "mae"].contains(before.name)
    return isError ? after.value - before.value : before.value - after.value
  }
}
