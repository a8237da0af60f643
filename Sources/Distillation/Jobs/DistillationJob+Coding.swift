import Datasets
import Encoders
import Foundation
import ModelFormats
import Tasks
import Training

extension DistillationJob: Codable {
  private enum CodingKeys: String, CodingKey {
    case tasks, student, training, multitask, tau, theseus, baseline, output
    case featureStage = "feature_stage"
    case maxCacheGB = "max_cache_gb"
    case maxTrainSamples = "max_train_samples"
    case tokenizedFolder = "tokenized_dir"
    case maxEvalSamples = "max_eval_samples"
    case allowsNonFinite = "allow_nonfinite"
    case overwritesOutput = "overwrite_output_dir"
  }

  /// Decodes a job under the option names of `potstill distill`; what is left out takes its default.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      try fields.decode([JobTask].self, forKey: .tasks),
      student: try fields.decode(JobStudent.self, forKey: .student),
      training: try fields.decodeIfPresent(TrainingConfig.self, forKey: .training) ?? TrainingConfig(),
      isMultitask: try fields.decodeIfPresent(Bool.self, forKey: .multitask),
      output: try fields.decodeIfPresent(String.self, forKey: .output))
    tau = try fields.decodeIfPresent(Double.self, forKey: .tau) ?? tau
    featureStage = try fields.decodeIfPresent(FeatureStage.self, forKey: .featureStage)
    theseus = try fields.decodeIfPresent(TheseusConfig.self, forKey: .theseus)
    hasBaseline = try fields.decodeIfPresent(Bool.self, forKey: .baseline) ?? hasBaseline
    maxCacheGB = try fields.decodeIfPresent(Double.self, forKey: .maxCacheGB)
    rowStorage.folder = try fields.decodeIfPresent(String.self, forKey: .tokenizedFolder)
    maxTrainSamples = try fields.decodeIfPresent(Int.self, forKey: .maxTrainSamples)
    maxEvalSamples = try fields.decodeIfPresent(Int.self, forKey: .maxEvalSamples)
    allowsNonFinite = try fields.decodeIfPresent(Bool.self, forKey: .allowsNonFinite) ?? allowsNonFinite
    overwritesOutput = try fields.decodeIfPresent(Bool.self, forKey: .overwritesOutput) ?? overwritesOutput
  }

  /// Encodes every setting, so that the file says what a run really did.
  public func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: CodingKeys.self)
    try fields.encode(tasks, forKey: .tasks)
    try fields.encode(student, forKey: .student)
    try fields.encode(training, forKey: .training)
    try fields.encode(isMultitask, forKey: .multitask)
    try fields.encode(tau, forKey: .tau)
    try fields.encodeIfPresent(featureStage, forKey: .featureStage)
    try fields.encodeIfPresent(theseus, forKey: .theseus)
    try fields.encode(hasBaseline, forKey: .baseline)
    try fields.encodeIfPresent(maxCacheGB, forKey: .maxCacheGB)
    try fields.encodeIfPresent(rowStorage.folder, forKey: .tokenizedFolder)
    try fields.encodeIfPresent(maxTrainSamples, forKey: .maxTrainSamples)
    try fields.encodeIfPresent(maxEvalSamples, forKey: .maxEvalSamples)
    try fields.encode(allowsNonFinite, forKey: .allowsNonFinite)
    try fields.encodeIfPresent(output, forKey: .output)
    try fields.encode(overwritesOutput, forKey: .overwritesOutput)
  }
}

extension JobTask: Codable {
  private enum CodingKeys: String, CodingKey {
    case name, data, teachers, distillation, weight, augmentation
    case definition = "task"
    case skipsBadRows = "skip_bad_rows"
    case teacherAverage = "teacher_average"
    case keepsAnswers = "cache_teacher_logits"
  }

  /// Decodes a task under the option names of `potstill distill`; `task` is what a task's file holds.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      try fields.decode(TaskDefinition.self, forKey: .definition),
      data: try fields.decode(String.self, forKey: .data),
      name: try fields.decodeIfPresent(String.self, forKey: .name))
    skipsBadRows = try fields.decodeIfPresent(Bool.self, forKey: .skipsBadRows) ?? skipsBadRows
    teachers = try fields.decodeIfPresent([JobTeacher].self, forKey: .teachers) ?? teachers
    teacherAverage =
      try fields.decodeIfPresent(TeacherAverage.self, forKey: .teacherAverage) ?? teacherAverage
    distillation = try fields.decodeIfPresent(DistillationConfig.self, forKey: .distillation) ?? distillation
    keepsAnswers = try fields.decodeIfPresent(Bool.self, forKey: .keepsAnswers)
    weight = try fields.decodeIfPresent(Double.self, forKey: .weight) ?? weight
    augmentation = try fields.decodeIfPresent(JobAugmentation.self, forKey: .augmentation)
  }

  /// Encodes every setting.
  public func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: CodingKeys.self)
    try fields.encode(name, forKey: .name)
    try fields.encode(definition, forKey: .definition)
    try fields.encode(data, forKey: .data)
    try fields.encode(skipsBadRows, forKey: .skipsBadRows)
    try fields.encode(teachers, forKey: .teachers)
    try fields.encode(teacherAverage, forKey: .teacherAverage)
    try fields.encode(distillation, forKey: .distillation)
    try fields.encodeIfPresent(keepsAnswers, forKey: .keepsAnswers)
    try fields.encode(weight, forKey: .weight)
    try fields.encodeIfPresent(augmentation, forKey: .augmentation)
  }
}

extension JobTeacher: Codable {
  private enum CodingKeys: String, CodingKey {
    case path = "teacher"
    case cache = "teacher_cache"
    case precision = "teacher_precision"
    case weight
  }

  /// Decodes a teacher from `teacher`, `teacher_cache`, `weight` and `teacher_precision`.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      try fields.decodeIfPresent(String.self, forKey: .path),
      cache: try fields.decodeIfPresent(String.self, forKey: .cache),
      weight: try fields.decodeIfPresent(Double.self, forKey: .weight) ?? 1,
      precision: try fields.decodeIfPresent(TeacherPrecision.self, forKey: .precision) ?? .float32)
  }

  /// Encodes what is set.
  public func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: CodingKeys.self)
    try fields.encodeIfPresent(path, forKey: .path)
    try fields.encodeIfPresent(cache, forKey: .cache)
    try fields.encode(weight, forKey: .weight)
    if precision != .float32 { try fields.encode(precision, forKey: .precision) }
  }
}

extension JobStudent: Codable {
  private enum CodingKeys: String, CodingKey {
    case name = "student"
    case tokenizer = "student_tokenizer"
    case source = "student_from"
    case hiddenSize = "hidden_size"
    case embeddingSize = "embedding_size"
    case layerCount = "num_hidden_layers"
    case attentionHeads = "num_attention_heads"
    case intermediateSize = "intermediate_size"
  }

  /// Decodes a student from `student`, `student_tokenizer`, `student_from` and the sizes of a `config.json`.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    func size(_ key: CodingKeys) throws -> Int? { try fields.decodeIfPresent(Int.self, forKey: key) }
    self.init(
      try fields.decode(String.self, forKey: .name),
      tokenizer: try fields.decodeIfPresent(String.self, forKey: .tokenizer),
      source: try fields.decodeIfPresent(String.self, forKey: .source),
      size: StudentSize(
        hiddenSize: try size(.hiddenSize), embeddingSize: try size(.embeddingSize),
        layerCount: try size(.layerCount), attentionHeads: try size(.attentionHeads),
        intermediateSize: try size(.intermediateSize)))
  }

  /// Encodes what is set.
  public func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: CodingKeys.self)
    try fields.encode(name, forKey: .name)
    try fields.encodeIfPresent(tokenizer, forKey: .tokenizer)
    try fields.encodeIfPresent(source, forKey: .source)
    try fields.encodeIfPresent(size.hiddenSize, forKey: .hiddenSize)
    try fields.encodeIfPresent(size.embeddingSize, forKey: .embeddingSize)
    try fields.encodeIfPresent(size.layerCount, forKey: .layerCount)
    try fields.encodeIfPresent(size.attentionHeads, forKey: .attentionHeads)
    try fields.encodeIfPresent(size.intermediateSize, forKey: .intermediateSize)
  }
}

extension JobAugmentation: Codable {
  private enum CodingKeys: String, CodingKey {
    case parts = "augment"
    case count = "augment_count"
    case copies = "augment_copies"
    case seed = "augment_seed"
    case maskedModel = "mlm_model"
  }

  /// Decodes methods and amounts under the option names of `potstill distill`.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    let parts = try fields.decodeIfPresent(JSONValue.self, forKey: .parts)
    let count = try fields.decodeIfPresent(Int.self, forKey: .count)
    let copies = try fields.decodeIfPresent(Int.self, forKey: .copies)
    self.init(
      try parts.map { try AugmentationRecipe.parts($0) } ?? AugmentationRecipe.standard,
      amount: copies.map { .copies($0) } ?? count.map { .count($0) } ?? .asManyAsGiven,
      seed: try fields.decodeIfPresent(UInt64.self, forKey: .seed),
      maskedModel: try fields.decodeIfPresent(String.self, forKey: .maskedModel))
  }

  /// Encodes the methods with every parameter.
  public func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: CodingKeys.self)
    try fields.encode(AugmentationRecipe(parts).partsJSON, forKey: .parts)
    switch amount {
    case .count(let count): try fields.encode(count, forKey: .count)
    case .copies(let copies): try fields.encode(copies, forKey: .copies)
    case .asManyAsGiven: break
    }
    try fields.encodeIfPresent(seed, forKey: .seed)
    try fields.encodeIfPresent(maskedModel, forKey: .maskedModel)
  }
}

extension FeatureStage: Codable {
  private enum CodingKeys: String, CodingKey {
    case epochs = "feature_epochs"
    case learningRate = "feature_learning_rate"
    case schedulerType = "feature_lr_scheduler_type"
    case warmupRatio = "feature_warmup_ratio"
    case cachesTeacherLogits = "cache_teacher_logits"
  }

  /// Decodes what `json` gives; what is left out takes its default.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      lrSchedulerType: try fields.decodeIfPresent(SchedulerType.self, forKey: .schedulerType),
      warmupRatio: try fields.decodeIfPresent(Double.self, forKey: .warmupRatio))
    numTrainEpochs = try fields.decodeIfPresent(Double.self, forKey: .epochs) ?? numTrainEpochs
    learningRate = try fields.decodeIfPresent(Double.self, forKey: .learningRate) ?? learningRate
    cachesTeacherLogits =
      try fields.decodeIfPresent(Bool.self, forKey: .cachesTeacherLogits) ?? cachesTeacherLogits
  }

  /// Encodes `json`.
  public func encode(to encoder: any Encoder) throws { try json.encode(to: encoder) }
}

extension TheseusConfig: Codable {
  private enum CodingKeys: String, CodingKey {
    case replacingRate = "replacing_rate"
    case schedulerLinearK = "scheduler_linear_k"
    case stepsForReplacing = "steps_for_replacing"
  }

  /// Decodes what `json` gives; what is left out takes its default.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      schedulerLinearK: try fields.decodeIfPresent(Double.self, forKey: .schedulerLinearK),
      stepsForReplacing: try fields.decodeIfPresent(Int.self, forKey: .stepsForReplacing))
    replacingRate = try fields.decodeIfPresent(Double.self, forKey: .replacingRate) ?? replacingRate
  }

  /// Encodes `json`.
  public func encode(to encoder: any Encoder) throws { try json.encode(to: encoder) }
}
