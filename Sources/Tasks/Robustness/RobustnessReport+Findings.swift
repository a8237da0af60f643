import Datasets
import Evaluation
import Foundation
public import ModelFormats

extension RobustnessReport {
  /// The least difference of scores that says something: half a point.
  private var leastMargin: Double { 0.005 * task.kind.family.scoreScale }

  /// How much less often an answer must move at a negation to count as less.
  private static let negationMargin = 0.02

  /// Sentences that say what the numbers do.
  ///
  /// Under which changes a model lost more than the first one, by more than half a point and two standard errors, and whether a
  /// negation moves its answers less often; where there is no such change, and of one model alone, what it lost most under.
  /// A model that gives all rows one answer is said to.
  public var findings: [String] {
    let constant = models.indices.compactMap { self.constant(of: $0) }
    guard models.count > 1 else { return constant + [most(of: 0)] }
    return constant
      + (1..<models.count).flatMap { model -> [String] in
        let (own, first) = (models[model], models[0])
        let worse = losses(of: model).filter(\.isMore).map {
          "\($0.condition.name) (\(Self.shown($0.drop)) against \(Self.shown($0.first)))"
        }
        var sentences =
          worse.isEmpty
          ? ["\(own) lost no more than \(first) under any change, beyond chance.", most(of: model)]
          : ["\(own) lost more than \(first) under \(Self.list(worse))."]
        if let (moved, other) = moved(of: model), other - moved > Self.negationMargin {
          sentences.append(
            "\(own) moved \(Self.percent(moved)) of its answers at a negation, \(first) \(Self.percent(other))."
          )
        }
        return sentences
      }
  }

  /// Sentence on a model that gives all clean rows one answer; nil of others.
  private func constant(of model: Int) -> String? {
    guard let results = conditions.first?.results, results.indices.contains(model),
      let answer = results[model].constantAnswer
    else { return nil }
    return
      "\(models[model]) gives all rows the answer \(answer.isEmpty ? "of no label" : "\"\(answer)\""), so no change can "
      + "move it, and its small losses say nothing."
  }

  /// Changes under which a model lost most, in a sentence.
  private func most(of model: Int) -> String {
    let lost = largestDrops(of: model).map { "\($0.condition.name) (\(Self.shown($0.drop)))" }
    return "\(models[model]) lost "
      + (lost.isEmpty ? "at most half a point under every change." : "most under \(Self.list(lost)).")
  }

  /// The perturbations to train against: those under which a further model lost more than the first or moved less at a negation;
  /// where there is none, the three with the largest drops; in the order of the report.
  public var worst: [Perturbation] {
    var kinds: Set<String> = []
    for model in models.indices.dropFirst() {
      kinds.formUnion(losses(of: model).filter(\.isMore).map(\.condition.name))
      if let (moved, other) = moved(of: model), other - moved > Self.negationMargin {
        kinds.insert(Perturbation.Kind.negation.rawValue)
      }
    }
    if conditions.allSatisfy({ $0.perturbation == nil || !kinds.contains($0.name) }) {
      kinds = Set(
        models.indices.suffix(max(1, models.count - 1)).flatMap { largestDrops(of: $0) }.map(\.condition.name)
      )
    }
    return conditions.filter { kinds.contains($0.name) }.compactMap(\.perturbation)
  }

  /// The methods of `potstill distill --augment` that train against the worst; nil where there is nothing to.
  public var augmentation: String? {
    let worst = worst
    guard !worst.isEmpty else { return nil }
    let isUsual = settings.strength == Perturbation.usualStrength
    if isUsual || !worst.contains(where: \.kind.hasStrength) {
      return worst.map(\.kind.rawValue).joined(separator: ",")
    }
    return AugmentationRecipe(worst.map { .init(.perturbation($0)) }).partsJSON.compactText
  }

  // MARK: Losses

  /// Loss of a model under a change, beside that of the first model.
  private struct Loss {
    let condition: Condition
    let drop: Double
    let first: Double
    /// Whether it is more than that of the first, by more than half a point and two standard errors.
    let isMore: Bool
  }

  /// Losses of a model under each change that keeps the true answer.
  private func losses(of model: Int) -> [Loss] {
    conditions.compactMap { condition in
      guard condition.results.indices.contains(model), let drop = condition.results[model].drop,
        let first = condition.results[0].drop
      else { return nil }
      let errors = [condition.results[model], condition.results[0]].map { $0.dropError ?? 0 }
      let error = (errors[0] * errors[0] + errors[1] * errors[1]).squareRoot()
      return Loss(
        condition: condition, drop: drop, first: first,
        isMore: drop > leastMargin && drop - first > max(leastMargin, 2 * error))
    }
  }

  /// The three perturbations under which a model lost most, the most first.
  private func largestDrops(of model: Int) -> [Loss] {
    let lost = losses(of: model).filter { $0.drop > leastMargin && $0.condition.perturbation != nil }
    // Of equal ones the first of the report stands first.
    return Array(
      lost.enumerated().sorted { ($0.element.drop, $1.offset) > ($1.element.drop, $0.offset) }.prefix(3)
        .map(\.element))
  }

  /// The shares of answers that a negation moved, of a model and of the first; nil where no row was negated.
  private func moved(of model: Int) -> (own: Double, first: Double)? {
    guard let negation = conditions.first(where: { $0.perturbation?.kind == .negation }),
      negation.results.indices.contains(model), let own = negation.results[model].flips,
      let first = negation.results[0].flips
    else { return nil }
    let count = Double(negation.rowCount)
    return (Double(own) / count, Double(first) / count)
  }

  private static func shown(_ drop: Double) -> String { String(format: "%.4f", drop) }
  private static func percent(_ share: Double) -> String { String(format: "%.1f%%", 100 * share) }

  private static func list(_ parts: [String]) -> String {
    parts.count < 2
      ? parts.joined() : parts.dropLast().joined(separator: ", ") + " and " + parts[parts.count - 1]
  }
}

extension RobustnessReport {
  /// All numbers with all digits, for machines.
  public var json: JSONObject {
    var object = JSONObject()
    object["task"] = .string(task.name)
    object["seed"] = Int(exactly: settings.seed).map { .integer($0) } ?? .string("\(settings.seed)")
    object["strength"] = .double(settings.strength)
    object["metric"] = metric.map { .string($0) }
    object["models"] = .array(models.map { .string($0) })
    object["conditions"] = .array(
      conditions.map { condition in
        var object = JSONObject()
        object["name"] = .string(condition.name)
        object["rows"] = .integer(condition.rowCount)
        object["out_of_domain"] = condition.isOutOfDomain ? true : nil
        object["models"] = .array(
          zip(models, condition.results).map { .object($1.json(of: $0, count: condition.rowCount)) })
        return .object(object)
      })
    object["findings"] = .array(findings.map { .string($0) })
    object["augment"] = augmentation.map { .string($0) }
    return object
  }
}

extension RobustnessReport.Result {
  fileprivate func json(of model: String, count: Int) -> JSONObject {
    var object = JSONObject()
    object["model"] = .string(model)
    for score in scores { object["eval_" + score.name] = .double(score.value) }
    for score in cleanScores { object["clean_" + score.name] = .double(score.value) }
    object["drop"] = drop.map { .double($0) }
    object["drop_standard_error"] = dropError.map { .double($0) }
    object["flipped"] = flips.map { .integer($0) }
    object["flipped_share"] = flips.map { .double(Double($0) / Double(count)) }
    object["constant_answer"] = constantAnswer.map { .string($0) }
    object["mean_change"] = meanChange.map { .double($0) }
    object["agreement"] = agreement.map { .double($0) }
    object["correlation"] = correlation.map { .double($0) }
    object["brier"] = brier.map { .double($0) }
    object["ece"] = calibration?.expectedError.map { .double($0) }
    object["calibration"] = calibration.map { calibration in
      .array(
        calibration.bins.map { [.double($0.confidence), .double($0.accuracy), .integer($0.count)] })
    }
    return object
  }
}
