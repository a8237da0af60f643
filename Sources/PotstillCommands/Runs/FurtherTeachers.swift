import Distillation
import Encoders
import TaskData
import Tokenization
import Training

/// The teachers behind the first, and how all are averaged; empty where there is one teacher.
struct FurtherTeachers {
  /// The models in order.
  let folders: [ModelFolder]
  /// The weight of each teacher, the first included.
  let weights: [Double]
  /// What is averaged.
  let average: TeacherAverage
  /// Each teacher's output for each output of the first; nil where outputs have no names.
  private let outputs: [[Int]?]

  /// Loads the teachers.
  ///
  /// - Parameters:
  ///   - options: Which, and their weights.
  ///   - task: What they must answer.
  ///   - order: The order of the first teacher's outputs, which is the student's.
  init(_ options: TeacherOptions, task: TaskDefinition, order: LabelOrder) throws {
    try options.check()
    folders = try options.teacher.dropFirst().map { try ModelFolder($0, for: task.kind) }
    weights = try options.weights()
    average = options.teacherAverage ?? .logits
    outputs = try folders.map { folder in
      let own = try LabelOrder(model: folder.model, path: folder.path, task: task).outputs
      guard let own, let first = order.outputs else { return nil }
      var outputs = first
      for (label, output) in first.enumerated() { outputs[output] = own[label] }
      return outputs
    }
  }

  /// The longest input that all of them take.
  func lengthLimit(_ asked: Int?) -> Int { folders.map { $0.lengthLimit(asked) }.min() ?? .max }

  /// What messages and plans say of each.
  var descriptions: [ModelDescription] {
    folders.map { ModelDescription($0.model, name: $0.path, vocabulary: $0.tokenizer.vocabulary.tokens) }
  }

  /// All teachers, the first in front.
  func all(first: TaskModel, description: ModelDescription) -> [WeightedTeacher] {
    [WeightedTeacher(first, weight: weights.first ?? 1, outputs: nil, description: description)]
      + zip(folders, descriptions).enumerated().map { index, teacher in
        WeightedTeacher(
          teacher.0.model, weight: weights[index + 1], outputs: outputs[index], description: teacher.1)
      }
  }
}
