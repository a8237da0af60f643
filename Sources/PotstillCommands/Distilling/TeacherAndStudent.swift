import Distillation
import Encoders
import Foundation
import TaskData
import Tokenization
import Training

/// The two models of a distillation; the student reads the teacher's tokens.
struct TeacherAndStudent {
  /// The model to imitate.
  let teacher: ModelFolder
  /// The model that learns.
  let student: ModelFolder
  let descriptions: (teacher: ModelDescription, student: ModelDescription)

  /// Whether the student has nothing of the teacher or of a checkpoint.
  let hasFreshStudent: Bool
  private let size: StudentSize

  /// Loads the teacher and makes the student.
  init(
    _ teacherPath: String, _ studentName: String, size: StudentSize = StudentSize(), kind: TaskKind,
    seed: UInt64
  ) throws {
    try self.init(try ModelFolder(teacherPath, for: kind), studentName, size: size, seed: seed)
  }

  /// Makes the student of a teacher.
  private init(_ teacher: ModelFolder, _ studentName: String, size: StudentSize, seed: UInt64) throws {
    self.teacher = teacher
    self.size = size
    let shape = try StudentShape(studentName)
    let model = try TaskModel.student(shape, of: teacher.model, size: size, seed: seed)
    var tokenizer = teacher.tokenizer
    if case .directory(let path) = shape {
      tokenizer = try loadTokenizer(directory: URL(filePath: path, directoryHint: .isDirectory))
    }
    hasFreshStudent = if case .preset = shape { true } else { false }
    student = ModelFolder(path: studentName, model: model, tokenizer: tokenizer)
    var description = ModelDescription(
      model, name: studentName, vocabulary: tokenizer.vocabulary.tokens)
    description.copiedLayers = try shape.layers(of: teacher.model.config.layerCount)?.map { $0 + 1 }
    descriptions = (
      ModelDescription(teacher.model, name: teacher.path, vocabulary: teacher.tokenizer.vocabulary.tokens),
      description
    )
  }

  /// The same teacher with the student as it was before it learnt.
  func fromTheStart(seed: UInt64) throws -> TeacherAndStudent {
    try TeacherAndStudent(teacher, student.path, size: size, seed: seed)
  }

  /// The distiller of the two, or of all teachers, once everything fits.
  func distiller(
    _ config: DistillationConfig, others: FurtherTeachers, examples: [EncodedExample], seed: UInt64
  ) throws -> GeneralDistiller {
    // Layers are matched with the first teacher, and labels need none.
    if others.folders.isEmpty || config.kdLossWeight == 0 {
      return try GeneralDistiller(
        config, teacher: teacher.model, student: student.model, descriptions: descriptions,
        hasLabels: Self.hasLabels(examples), seed: seed)
    }
    return try MultiTeacherDistiller(
      config, teachers: others.all(first: teacher.model, description: descriptions.teacher),
      average: others.average, student: student.model, description: descriptions.student,
      hasLabels: Self.hasLabels(examples), seed: seed)
  }

  /// What a run would do and need.
  ///
  /// - Parameter student: The student's description, where it is not the model as it was made.
  func plan(
    _ config: DistillationConfig, others: FurtherTeachers, training: TrainingConfig,
    examples: [EncodedExample], student: ModelDescription? = nil
  ) throws -> DistillationPlan {
    // What is wrong with several teachers is the distiller's to say.
    if !others.folders.isEmpty {
      _ = try distiller(config, others: others, examples: examples, seed: training.seed)
    }
    let batches = TrainingData(examples, config: training).batches(0)
    let accumulated = training.gradientAccumulationSteps
    let stepsOfEpoch = (batches.count + accumulated - 1) / accumulated
    let steps =
      training.maxSteps > 0
      ? training.maxSteps : Int((training.numTrainEpochs * Double(stepsOfEpoch)).rounded(.up))
    return try DistillationPlan(
      config, teacher: descriptions.teacher, student: student ?? descriptions.student, training: training,
      steps: steps,
      tokensPerBatch: batches.map { batch in batch.reduce(0) { $0 + examples[$1].length } }.max() ?? 0,
      sequenceLength: examples.map(\.length).max() ?? 0, hasLabels: Self.hasLabels(examples),
      others: DistillationPlan.Others(others.descriptions, weights: others.weights, average: others.average))
  }

  private static func hasLabels(_ examples: [EncodedExample]) -> Bool {
    examples.contains { $0.target != .none }
  }
}
