import Cluster
import Datasets
import Encoders
import Evaluation
import ModelFormats
import Training

/// Facts of a trained model, from which its card is made.
package struct CardFacts {
  /// The name of the model: that of its folder.
  package var title: String
  /// Markdown that says what the model is and what it was made of, in paragraphs.
  package var introduction: [String] = []
  /// Tags behind those that all cards have.
  package var tags: [String] = []
  /// Models whose weights it began with.
  package var bases: [CardModel] = []
  /// The task.
  package var task: TaskDefinition
  /// The model's configuration.
  package var config: EncoderConfig
  /// Whether its weights are 8-bit integers.
  package var isQuantized = false
  /// The scores on the validation rows; nil without any.
  package var evaluation: EvaluationResult?
  /// Models side by side, itself included; none where it stands alone.
  package var comparison: [(name: String, model: ModelMeasurement)] = []
  /// Scores of each class.
  package var report: ClassReport?
  /// Lines of the plan of its training.
  package var plan: [String] = []
  /// The settings of its training; nil for a model that was not trained.
  package var training: TrainingConfig?
  /// The run's evaluations.
  package var history: EvaluationHistory?

  /// Facts of which the other ones are none yet.
  package init(title: String, task: TaskDefinition, config: EncoderConfig, training: TrainingConfig?) {
    (self.title, self.task, self.config, self.training) = (title, task, config, training)
  }

  /// The names of the scores that a card shows.
  fileprivate var metricNames: [String] {
    let family = task.kind.family
    return family.decidingScores(of: task).filter(family.metrics.contains)
  }

  /// The scores that a card shows.
  fileprivate var scores: [Score] {
    let names = metricNames
    return evaluation?.metrics.filter { names.contains($0.name) && $0.value.isFinite } ?? []
  }

  /// The reason for which `transformers` does not load the model; nil where it does.
  fileprivate var reasonAgainstTransformers: String? {
    config.reasonAgainstTransformers
      ?? (isQuantized ? "its weights are 8-bit integers in Potstill's form" : nil)
  }

  fileprivate var usage: ModelUsage { task.kind.family.usage(of: task, config: config) }
}

extension ModelCard {
  /// The card of a trained model.
  package init(_ facts: CardFacts) {
    self.init(
      metadata: Self.metadata(of: facts), title: facts.title, introduction: facts.introduction,
      sections: [
        Self.results(of: facts), Section("How to use it", Self.usage(of: facts)),
        facts.plan.isEmpty ? nil : Section("Plan", Markdown.block(facts.plan)),
        facts.training.map { Section("Training procedure", Self.procedure(of: facts, $0)) },
        Section("Framework versions", Markdown.list(["Potstill \(LibraryVersion.current)"])),
      ].compactMap { $0 })
  }

  // MARK: Head

  private static func metadata(of facts: CardFacts) -> JSONObject {
    func list(_ values: [String]) -> JSONValue? {
      var seen: Set<String> = []
      let values = values.filter { seen.insert($0).inserted }
      return switch values.count {
      case 0: nil
      case 1: .string(values[0])
      default: .array(values.map { .string($0) })
      }
    }
    var head = JSONObject()
    head["library_name"] = .string(
      facts.reasonAgainstTransformers == nil ? "transformers" : "potstill")
    head["language"] = list(facts.task.language.map { [$0] } ?? facts.bases.flatMap(\.languages))
    for (key, value) in facts.bases.first?.license ?? JSONObject() { head[key] = value }
    head["base_model"] = list(facts.bases.compactMap(\.repository))
    if head["base_model"] != nil { head["base_model_relation"] = "finetune" }
    head["tags"] = .array((["generated_from_trainer", "potstill"] + facts.tags).map { .string($0) })
    head["datasets"] = facts.task.datasetName.map { .array([.string($0)]) }
    let types = facts.scores.map { CardMetric.type($0.name) }
    if let types = list(types) { head["metrics"] = types.stringValue.map { .array([.string($0)]) } ?? types }
    head["pipeline_tag"] = .string(facts.usage.pipelineTag)
    if !facts.scores.isEmpty { head["model-index"] = index(of: facts) }
    return head
  }

  /// The scores as the hub shows them beside those of other models.
  private static func index(of facts: CardFacts) -> JSONValue {
    let tag = facts.usage.pipelineTag
    var dataset = JSONObject()
    dataset["name"] = .string(facts.task.name)
    dataset["type"] = .string(facts.task.datasetName ?? facts.task.format.rawValue)
    dataset["config"] = facts.task.datasetConfigName.map { .string($0) }
    dataset["split"] = "validation"
    let metrics = facts.scores.map { score -> JSONValue in
      [
        "name": .string(CardMetric.title(score.name)), "type": .string(CardMetric.type(score.name)),
        "value": .double(score.value),
      ]
    }
    return [
      [
        "name": .string(facts.title),
        "results": [
          [
            "task": ["name": .string(CardMetric.title(tag.replacing("-", with: " "))), "type": .string(tag)],
            "dataset": .object(dataset), "metrics": .array(metrics),
          ]
        ],
      ]
    ]
  }

  // MARK: Results

  private static func results(of facts: CardFacts) -> Section? {
    guard let evaluation = facts.evaluation else { return nil }
    var parts: [String] = []
    let loss = evaluation.loss.map { ["Loss: \(CardMetric.rounded($0))"] } ?? []
    let points = loss + facts.scores.map { "\(CardMetric.title($0.name)): \(CardMetric.rounded($0.value))" }
    if !points.isEmpty {
      parts = ["On \(grouped(evaluation.examples)) validation rows:", Markdown.list(points)]
    }
    if !facts.comparison.isEmpty {
      parts += ["Beside other models on the same rows:", comparison(of: facts)]
    }
    if let report = facts.report {
      let rows = report.rows.map { row in
        [row.name] + [row.precision, row.recall, row.f1].map(CardMetric.rounded) + ["\(row.support)"]
      }
      parts += [
        "Class by class:", Markdown.table(["Class", "Precision", "Recall", "F1", "Support"], rows),
      ]
    }
    return parts.isEmpty ? nil : Section("Results", parts.joined(separator: "\n\n"))
  }

  private static func comparison(of facts: CardFacts) -> String {
    let names = facts.metricNames.filter { name in
      facts.comparison.contains { $0.model.metrics.contains { $0.name == name } }
    }
    let rows = facts.comparison.map { name, model in
      let sizes =
        model.isModel
        ? ["\(model.layers)", grouped(model.parameters), megabytes(model.bytes)] : ["", "", ""]
      return [name] + sizes
        + names.map { name in
          model.metrics.first { $0.name == name }.map { CardMetric.rounded($0.value) } ?? ""
        }
    }
    return Markdown.table(["Model", "Layers", "Parameters", "MB"] + names.map(CardMetric.title), rows)
  }

  // MARK: Use

  private static func usage(of facts: CardFacts) -> String {
    let usage = facts.usage
    // The folder's name stands in a string of code and in a shell's word.
    let safe = facts.title.unicodeScalars.allSatisfy {
      $0.properties.isAlphabetic || $0.properties.numericType != nil || "-_.".unicodeScalars.contains($0)
    }
    let folder = safe ? facts.title : "MODEL_DIR"
    func lines(_ lines: [String]) -> [String] { lines.map { $0.replacing("MODEL", with: folder) } }
    var parts: [String] = []
    let reason = facts.reasonAgainstTransformers
    if reason == nil {
      parts += ["In Python:", Markdown.block(lines(usage.python), language: "python")]
    } else if let reason, facts.config.architecture.isOfTransformers {
      parts.append(
        "`transformers` does not load it: \(Markdown.text(reason)). ONNX Runtime, Swift and the command line do; it loads what "
          + Markdown.code(lines(["potstill export MODEL --transformers --output MODEL-transformers"])[0])
          + " writes, which is as large as before.")
    } else {
      parts.append(
        "`transformers` does not know models of the type \(Markdown.code(facts.config.architecture.rawValue)), so its "
          + "classes cannot load this one; ONNX Runtime, Swift and the command line do.")
    }
    parts += [
      "In ONNX Runtime, behind \(Markdown.code(lines(["potstill export MODEL --onnx --output MODEL-onnx"])[0])):",
      Markdown.block(lines(usage.onnx), language: "python"),
    ]
    parts += ["In Swift:", Markdown.block(lines(usage.swift), language: "swift")]
    if let command = usage.command {
      parts += ["On the command line:", Markdown.block(lines([command]), language: "sh")]
    }
    return parts.joined(separator: "\n\n")
  }

  // MARK: Training

  private static func procedure(of facts: CardFacts, _ training: TrainingConfig) -> String {
    var parts = ["### Training hyperparameters", Markdown.list(training.cardLines)]
    if let history = facts.history, !history.entries.isEmpty {
      parts += ["### Training results", history.table(of: facts.metricNames)]
    }
    return parts.joined(separator: "\n\n")
  }
}

extension TrainingConfig {
  /// The hyperparameters as `transformers`' cards list them, and those of Potstill's own that were changed.
  fileprivate var cardLines: [String] {
    var lines = ["learning_rate: \(learningRate)"]
    if let tokensPerBatch {
      lines.append("tokens_per_batch: \(tokensPerBatch)")
    } else {
      lines.append("train_batch_size: \(perDeviceTrainBatchSize)")
    }
    lines += ["eval_batch_size: \(perDeviceEvalBatchSize)", "seed: \(seed)"]
    if Ranks.count > 1 { lines += ["distributed_type: multi-CPU", "num_devices: \(Ranks.count)"] }
    if gradientAccumulationSteps > 1 {
      lines.append("gradient_accumulation_steps: \(gradientAccumulationSteps)")
    }
    if gradientAccumulationSteps * Ranks.count > 1, tokensPerBatch == nil {
      lines.append(
        "total_train_batch_size: \(gradientAccumulationSteps * ofWholeBatches.perDeviceTrainBatchSize)")
    }
    let moments =
      optim == .sgd
      ? "momentum=\(sgdMomentum)" : "betas=(\(adamBeta1),\(adamBeta2)) and epsilon=\(adamEpsilon)"
    lines.append(
      "optimizer: \(optim.rawValue) with \(moments)"
        + (optimArgs.map { " and optimizer_args=\(Markdown.code($0))" } ?? ""))
    lines.append("lr_scheduler_type: \(lrSchedulerType.rawValue)")
    if warmupSteps > 0 {
      lines.append("lr_scheduler_warmup_steps: \(warmupSteps)")
    } else if warmupRatio > 0 {
      lines.append("lr_scheduler_warmup_ratio: \(warmupRatio)")
    }
    lines.append(maxSteps > 0 ? "training_steps: \(maxSteps)" : "num_epochs: \(numTrainEpochs)")
    let listed: Set<String> = [
      "learning_rate", "tokens_per_batch", "per_device_train_batch_size", "per_device_eval_batch_size",
      "seed",
      "gradient_accumulation_steps", "optim", "optim_args", "adam_beta1", "adam_beta2", "adam_epsilon",
      "sgd_momentum", "lr_scheduler_type", "warmup_steps", "warmup_ratio", "max_steps", "num_train_epochs",
    ]
    let (own, usual) = (Self.settings.json(of: self), Self.settings.json(of: TrainingConfig()))
    for (key, value) in own where !listed.contains(key) && !Self.settings.harmlessKeys.contains(key) {
      if value.isNull || usual[key]?.compactText == value.compactText { continue }
      lines.append("\(key): \(Markdown.text(value.stringValue ?? value.compactText))")
    }
    return lines
  }
}
