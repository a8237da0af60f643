import Cluster
import Datasets
import Encoders
import Foundation
public import ModelFormats
public import Tasks
import Tensors
import Tokenization
public import Training

/// Job that trains a masked language model on plain text, with or without a teacher, as `potstill pretrain` does.
public struct PretrainingJob {
  /// Model that training begins with.
  public enum Start: Sendable, Equatable {
    /// A Hugging Face directory; the tokenizer may be another folder's.
    case model(String, tokenizer: String?)
    /// A fresh model of a shape such as `T4-tiny`, or of a `config.json`; the tokenizer may be the teacher's.
    case shape(String, tokenizer: String?)
    /// Layers of the teacher, such as `T6`.
    case layers(String)
  }

  /// The text.
  public var text: PretrainingText
  /// The model to begin with.
  public var start: Start
  /// The settings of the training loop.
  public var training: TrainingConfig
  /// The Hugging Face directory of the model to imitate; nil learns from the text alone.
  ///
  /// A masked language model, or with `alphaCE` 0 any encoder, whose layers alone are learnt.
  public var teacher: String?
  /// Loss against the teacher's predictions and last layer.
  public var loss = TripleLoss()
  /// Matches of the teacher's further layers, as a configuration holds them.
  public var matches: [JSONValue] = []
  /// The largest number of training sequences; nil takes all.
  public var maxTrainSamples: Int?
  /// The largest number of validation sequences; nil takes all.
  public var maxEvalSamples: Int?
  /// Whether a teacher whose weights hold NaN or infinite values may answer.
  public var allowsNonFinite = false
  /// The run folder.
  public var output: String
  /// Whether the run folder may hold files already.
  public var overwritesOutput = false
  /// Checkpoint that the run goes on from; nil begins a new run.
  public var resumption: JobResumption?

  /// A job over some text, with settings that suit it.
  ///
  /// - Throws: `TrainingError.configuration`.
  public init(
    _ text: PretrainingText, from start: Start, training: TrainingConfig? = nil, output: String
  ) throws {
    (self.text, self.start, self.output) = (text, start, output)
    self.training =
      try training ?? TrainingConfig(for: text.task, canEvaluate: text.validation != nil)
  }

  /// Inputs of the run with the parts that they play.
  fileprivate var provenance: [ProvenanceInput] {
    let (model, tokenizer): (String, String?) =
      switch start {
      case .model(let path, let tokenizer): (path, tokenizer)
      case .shape(let shape, let tokenizer): (shape, tokenizer)
      case .layers(let shape): (shape, nil)
      }
    let others = [
      ("tokenizer", tokenizer), ("teacher", teacher), ("validation_file", text.validation),
      ("word_list", text.task.masking.wordListFile),
    ]
    return [ProvenanceInput("model", model)] + text.inputs.map { ProvenanceInput("train_file", $0) }
      + others.compactMap { role, path in path.map { ProvenanceInput(role, $0) } }
  }

  /// Loads the models and checks them against the settings.
  ///
  /// - Throws: `TaskError`, `DistillationError.invalidConfiguration`, and what loading throws.
  public func prepare(_ listener: any WorkListener = SilentListener()) throws -> PreparedPretraining {
    try PreparedPretraining(self, listener)
  }
}

/// Pre-training that was checked, and what runs it.
public final class PreparedPretraining {
  /// The job; its text has the length that the teacher reads.
  public private(set) var job: PretrainingJob
  private let folder: OutputFolder
  private let start: PretrainingModel
  private let teacher: TokenizedModel?
  private let distiller: GeneralDistiller?
  private let masker: TokenMasker
  private let listener: any WorkListener

  init(_ job: PretrainingJob, _ listener: any WorkListener) throws {
    (self.job, self.listener) = (job, listener)
    let isInside = try job.resumption?.isInside(job.output) ?? false
    folder = try OutputFolder(job.output, overwrite: isInside || job.overwritesOutput)
    let teacher = try job.teacher.map {
      let teacher = try TokenizedModel(
        $0, head: MaskedWords().head, needsHead: false, allowsNonFinite: job.allowsNonFinite,
        listener: listener)
      if job.loss.alphaCE != 0, teacher.model.startsWithFreshHead {
        throw TaskError(
          "\($0) has no head for masked words, so there are no predictions to imitate; give --alpha-ce 0 to learn from its "
            + "layers alone, or a masked language model")
      }
      return teacher
    }
    self.teacher = teacher
    try Self.fetch(job.start, listener: listener)
    let (start, name) = try Self.model(of: job, teacher: teacher)
    self.start = start
    distiller = try teacher.map { try Self.distiller(of: job, teacher: $0, student: start) }
    try distiller?.checkAccumulation(job.training.gradientAccumulationSteps, ranks: Ranks.count)
    let loss = try HardLabelLoss(job.training, of: start.model)
    distiller?.hardLabelLoss = loss
    try start.model.prepare(as: job.training)
    if let teacher {
      self.job.text.task.maxSequenceLength = teacher.lengthLimit(job.text.task.maxSequenceLength)
    }
    if let report = start.model.loadReport { listener.note("\(name): \(report)") }
    if start.lengthLimit < self.job.text.task.maxSequenceLength {
      listener.note("sequences have up to \(start.lengthLimit) tokens, the most that the model reads")
    }
    masker = try job.text.masker(start.tokenizer)
  }

  /// Downloads the models that the student is made of, where they are names of the hub and not in the cache.
  private static func fetch(_ start: PretrainingJob.Start, listener: any WorkListener) throws {
    switch start {
    case .model(let path, let tokenizer):
      try ModelLocation.fetch(path, listener: listener)
      if let tokenizer { try ModelLocation.fetch(tokenizer, part: .tokenizer, listener: listener) }
    case .shape(_, let tokenizer):
      if let tokenizer { try ModelLocation.fetch(tokenizer, part: .tokenizer, listener: listener) }
    case .layers: break
    }
  }

  private static func model(
    of job: PretrainingJob, teacher: TokenizedModel?
  ) throws -> (PretrainingModel, name: String) {
    let seed = job.training.seed
    switch job.start {
    case .model(let path, let tokenizer):
      return (try PretrainingModel(directory: path, tokenizer: tokenizer, seed: seed), path)
    case .shape(let shape, let tokenizer):
      return (
        try PretrainingModel(shape: shape, tokenizer: tokenizer ?? teacher?.path ?? "", seed: seed), ""
      )
    case .layers(let shape):
      guard let teacher else {
        throw DistillationError.invalidConfiguration([
          Fault("student", "\(shape) is made of a teacher's layers, but there is no teacher; give one")
        ])
      }
      return (try PretrainingModel(student: shape, of: teacher), "")
    }
  }

  /// The distiller of two models.
  ///
  /// - Throws: `DistillationError.invalidConfiguration` with every fault.
  private static func distiller(
    of job: PretrainingJob, teacher: TokenizedModel, student: PretrainingModel
  ) throws -> GeneralDistiller {
    let config = DistillationConfig(json: ["intermediate_matches": .array(job.matches)])
    guard config.readingFaults.isEmpty else {
      throw DistillationError.invalidConfiguration(config.readingFaults)
    }
    var loss = job.loss
    loss.matches = config.matches
    var description = ModelDescription(
      student.model, name: "student", vocabulary: student.tokenizer.vocabulary.tokens)
    if case .layers(let shape) = job.start {
      description.copiedLayers = try StudentShape(shape).layers(of: teacher.model.config.layerCount)?.map {
        $0 + 1
      }
    }
    return try loss.distiller(
      teacher: teacher.model, student: student.model,
      descriptions: (
        ModelDescription(teacher.model, name: teacher.path, vocabulary: teacher.tokenizer.vocabulary.tokens),
        description
      ), seed: job.training.seed)
  }

  /// Tokenizes the text, trains the model, scores it and writes the run folder.
  ///
  /// - Parameters:
  ///   - observers: Told of everything, in this order.
  ///   - recipe: The text of `recipe.yaml`.
  ///   - inputs: What the run reads of the user's; it is never removed.
  /// - Returns: Everything in `all_results.json`.
  /// - Throws: `TrainingError`, and what reading and writing throws.
  @discardableResult
  public func run(
    observers: [any TrainingObserver] = [], recipe: String, inputs: [String] = []
  ) throws -> JSONObject {
    let point = job.resumption?.point(in: folder.url)
    let record = ProvenanceRecord(
      in: folder.url, of: ProvenanceInput.named(job.provenance, by: inputs), seeds: job.training.seeds,
      by: listener.invocation)
    let run = try RunFolder(folder, recipe: recipe, resuming: point, inputs: inputs, record: record)
    defer { run.release() }
    run.continued.announce(to: listener)
    let text = job.text
    // Rank 0 tokenizes, the others read its files.
    let (corpus, validation) = try Ranks.process.firstThenOthers {
      let corpus = try text.corpus(
        text.inputs, limit: job.maxTrainSamples, for: start, in: folder.url.appending(path: "train.tokens"),
        listener: listener)
      let validation = try text.validation.map { path in
        try text.corpus(
          [path], limit: job.maxEvalSamples, for: start,
          in: folder.url.appending(path: "validation.tokens"), listener: listener)
      }
      return (corpus, validation)
    }
    let trainer = MaskedLanguageTrainer(
      model: start.model, train: corpus, validation: validation, masker: masker, config: job.training,
      objective: distiller,
      checkpoints: CheckpointFolder(
        folder.url, origin: origin(validation: try validation?.contentFingerprint())
      ) { [start] in try start.save(to: $0, as: .float32) },
      observers: run.observers(job.training) + observers)
    _ = try trainer.train(resumingFrom: point)
    try start.model.roundToSaved()
    guard Ranks.process.isFirst else { return JSONObject() }
    try start.save(to: folder.url)
    let scores = try trainer.evaluate()
    if let scores { try run.log.writeResults("eval", scores.json) }
    var teacherScores: EvaluationResult?
    if let teacher, !teacher.model.startsWithFreshHead, let evaluation = try trainer.evaluate(teacher.model) {
      try run.log.writeComparison(teacher: teacher.model, evaluation, student: start.model)
      teacherScores = evaluation
    }
    let isWritten = try job.writeCard(
      of: start.model, to: folder.url, counts: (corpus.count, validation?.count), scores,
      metrics: run.log.metricsFile)
    if !isWritten { listener.note(ModelCard.note(onFileIn: folder.url)) }
    job.writeReport(
      to: folder.url, counts: (corpus.count, validation?.count), student: (start.model, scores),
      teacher: teacher.map { ($0.model, teacherScores) }, listener)
    try run.seal(telling: listener)
    return try run.results()
  }

  /// The origin of the run, by which its checkpoints know it.
  private func origin(validation: String?) -> RunOrigin {
    var origin = RunOrigin(
      model: Parameter.fingerprint(of: start.model.parameters), validation: validation)
    if let teacher {
      origin.teachers = [CacheKey.fingerprint(of: teacher.model)]
      origin.settings = job.loss.settings
      if !job.matches.isEmpty { origin.settings["match"] = .array(job.matches) }
    }
    // Where the files lie does not matter, and what is in them is in the rows.
    var hiding = job.text.task.masking.settings
    hiding["word_list"] = nil
    for (key, value) in hiding { origin.settings[key] = value }
    return origin
  }
}

extension TripleLoss {
  /// The weights under the names of Hugging Face's distillation script.
  package var settings: JSONObject {
    var object = JSONObject()
    object["alpha_ce"] = .double(alphaCE)
    object["alpha_mlm"] = .double(alphaMLM)
    object["alpha_cos"] = .double(alphaCos)
    object["temperature"] = .double(temperature)
    object["restrict_ce_to_mask"] = .bool(restrictsCEToMask)
    return object
  }
}

extension MaskingSettings {
  /// The settings under the names of Hugging Face's `run_mlm`.
  package var settings: JSONObject {
    var object = JSONObject()
    object["mlm_probability"] = .double(probability)
    object["whole_word_mask"] = .bool(wholeWords)
    object["word_list"] = wordListFile.map { .string($0) }
    object["line_by_line"] = .bool(isLineByLine)
    return object
  }
}
