import Distillation
import Encoders
import Foundation
import TaskData
import Tasks
import Tokenization
import Training

/// The two models of a distillation, which may read different tokens.
struct TeacherAndStudent {
  /// The model to imitate.
  let teacher: TeacherSide
  /// The model that learns.
  let student: TokenizedModel
  /// Whether both make the same tokens of a text.
  let sharesTokens: Bool
  /// What configurations are checked against.
  let descriptions: (teacher: ModelDescription, student: ModelDescription)

  /// Whether no layer of the student comes from the teacher or a checkpoint.
  let hasFreshStudent: Bool
  private let size: StudentSize
  private let tokenizerPath: String?

  /// Makes the student of a teacher.
  ///
  /// - Parameters:
  ///   - tokenizerPath: The folder of a tokenizer for a student of a fresh shape; nil gives it the teacher's.
  ///   - size: Sizes other than the shape's.
  ///   - seed: Decides fresh values.
  init(
    _ teacher: TeacherSide, _ studentName: String, tokenizer tokenizerPath: String? = nil,
    size: StudentSize = StudentSize(), seed: UInt64
  ) throws {
    self.teacher = teacher
    (self.size, self.tokenizerPath) = (size, tokenizerPath)
    let shape = try StudentShape(studentName)
    try shape.checkFolder()
    var (tokenizer, config) = (teacher.tokenizer, teacher.config)
    switch (shape, tokenizerPath) {
    case (.preset, let path?) where size.embeddingSize == nil:
      tokenizer = try Self.tokenizer(path)
      config = config.reading(tokenizer)
    case (_, _?):
      throw CommandError(
        "--student-tokenizer goes with a fresh shape such as T4-tiny, without --embedding-size; \(studentName) "
          + "\(shape.isDirectory ? "has a tokenizer of its own" : "takes the teacher's embeddings, so its tokens too")"
      )
    case (.directory(let path), nil): tokenizer = try Self.tokenizer(path)
    default: break
    }
    hasFreshStudent = shape.isFresh
    let model = try TaskModel.student(
      shape, of: teacher.folder?.model, config: config, size: size, seed: seed)
    try model.checkAsStart(studentName)
    student = TokenizedModel(path: studentName, model: model, tokenizer: tokenizer)
    try student.checkVocabulary()
    sharesTokens = CacheKey.fingerprint(of: tokenizer) == CacheKey.fingerprint(of: teacher.tokenizer)
    var description = ModelDescription(
      model, name: studentName, vocabulary: tokenizer.vocabulary.tokens)
    description.copiedLayers = try shape.layers(of: teacher.config.layerCount)?.map { $0 + 1 }
    descriptions = (teacher.description, description)
  }

  private static func tokenizer(_ path: String) throws -> any Tokenizer {
    try loadTokenizer(directory: URL(filePath: path, directoryHint: .isDirectory))
  }

  /// Rows as the student reads them, and as the teacher does where that is something else.
  ///
  /// A shared tokenizer's texts are cut at the shorter of both lengths; otherwise each side has its own.
  func encode(
    _ rows: TaskExamples, of task: TaskDefinition, others: FurtherTeachers, console: Console
  ) throws -> (student: EncodedTask, limit: Int, alignment: AlignedExamples?) {
    let (own, other) = (
      student.lengthLimit(task.maxSequenceLength), teacher.lengthLimit(task.maxSequenceLength)
    )
    for side in [teacher] + others.sides {
      try TokenizedModel.checkPairs(rows, config: side.config, tokenizer: side.tokenizer, path: side.path)
    }
    let asked = task.maxSequenceLength
    if asked > min(own, other) {
      console.warn(
        "texts are cut at fewer tokens than the \(asked) asked for: \(student.path) reads \(own) at most, "
          + "\(teacher.path) \(other)")
    }
    guard !sharesTokens else {
      let limit = min(own, other, others.lengthLimit(task.maxSequenceLength))
      return (try student.encode(rows, of: task, limit: limit), limit, nil)
    }
    let encoded = try student.encode(rows, of: task, limit: own)
    let aligned = try AlignedExamples(
      rows, student: encoded, studentTokenizer: student.tokenizer, studentLength: own,
      teacherTokenizer: teacher.tokenizer, teacherLength: other)
    console.note("teacher and student read different tokens: each encodes the texts itself")
    if aligned.shortenedCount > 0 {
      console.warn(
        "the teacher sees less than the student of \(aligned.shortenedCount) of \(encoded.examples.count) examples: "
          + "it reads \(other) tokens at most; a smaller --max-seq-length makes them alike")
    }
    return (encoded, own, aligned)
  }

  /// Gives the student's outputs the task's names where those it has from its teacher say nothing (`LABEL_0`).
  func nameOutputs(by task: TaskDefinition) {
    student.model.rename(labels: LabelOrder.names(student.model.config.labels, of: task))
  }

  /// The same teacher with the student as it was before it learnt.
  func fromTheStart(seed: UInt64) throws -> TeacherAndStudent {
    try TeacherAndStudent(teacher, student.path, tokenizer: tokenizerPath, size: size, seed: seed)
  }

  /// The distiller of the two, or of all teachers, once everything fits.
  func distiller(
    _ config: DistillationConfig, others: FurtherTeachers, examples: [EncodedExample],
    alignment: AlignedExamples?, seed: UInt64
  ) throws -> GeneralDistiller {
    // Layers are matched with the first teacher, and labels need none.
    guard !others.sides.isEmpty, config.usesTeacherLogits else {
      let asked = try teacher.teacher()
      return try GeneralDistiller(
        config, teacher: alignment.map { AlignedTeacher(asked, examples: $0) } ?? asked,
        student: student.model,
        description: descriptions.student, hasLabels: Self.hasLabels(examples), seed: seed)
    }
    if alignment != nil {
      throw CommandError(
        "\(student.path) reads other tokens than \(teacher.path); several teachers must read the student's tokens. "
          + "Choose one teacher, or a student that reads theirs")
    }
    return try GeneralDistiller(
      config, teacher: others.ensemble(first: teacher, labels: student.model.config.labels),
      student: student.model,
      description: descriptions.student, hasLabels: Self.hasLabels(examples), seed: seed)
  }

  /// The passes over the data of a run.
  func epochs(_ training: TrainingConfig, examples: [EncodedExample]) -> Double {
    guard training.maxSteps > 0 else { return training.numTrainEpochs }
    let batches = TrainingData(examples, config: training).batchCount(0)
    return Double(training.maxSteps * training.gradientAccumulationSteps) / Double(max(1, batches))
  }

  /// What a run would do and need.
  ///
  /// - Parameter student: The student's description, where it is not the model as it was made.
  func plan(
    _ config: DistillationConfig, others: FurtherTeachers, training: TrainingConfig,
    examples: [EncodedExample], student: ModelDescription? = nil, cache: CachePlan? = nil
  ) throws -> DistillationPlan {
    let data = TrainingData(examples, config: training)
    let batches = data.batches(0)
    return try DistillationPlan(
      config, teacher: descriptions.teacher, student: student ?? descriptions.student, training: training,
      steps: try StepPlan(data, config: training).totalSteps,
      tokensPerBatch: batches.map { batch in batch.reduce(0) { $0 + examples[$1].length } }.max() ?? 0,
      sequenceLength: examples.map(\.length).max() ?? 0, hasLabels: Self.hasLabels(examples),
      others: DistillationPlan.Others(others.descriptions, weights: others.weights, average: others.average),
      cache: cache, isAligned: !sharesTokens)
  }

  private static func hasLabels(_ examples: [EncodedExample]) -> Bool {
    examples.contains { $0.target != .none }
  }
}

extension StudentShape {
  fileprivate var isDirectory: Bool { if case .directory = self { true } else { false } }

  /// Whether its layers start at random; word tables may come from the teacher.
  var isFresh: Bool {
    switch self {
    case .preset, .words: true
    case .evenlySpaced, .layers, .selected, .directory: false
    }
  }
}
