import Distillation
import Encoders
import TaskData
import Tasks
import Tokenization
import Training

/// The teachers behind the first, and how all are averaged; empty where there is one teacher.
struct FurtherTeachers {
  /// The teachers in order.
  let sides: [TeacherSide]
  /// The weight of each teacher, the first included.
  let weights: [Double]
  /// What is averaged.
  let average: TeacherAverage
  /// Each teacher's output for each output of the first; nil where outputs have no names.
  private let outputs: [[Int]?]

  /// - Parameters:
  ///   - sides: The teachers behind the first.
  ///   - options: Their weights, and what is averaged.
  ///   - task: What they must answer.
  ///   - order: The order of the first teacher's outputs, which is the student's.
  init(_ sides: [TeacherSide], _ options: TeacherOptions, task: TaskDefinition, order: LabelOrder) throws {
    self.sides = sides
    try options.check(count: 1 + sides.count)
    weights = try options.weights(count: 1 + sides.count)
    average = options.teacherAverage ?? .logits
    outputs = try sides.map { side in
      let own = try LabelOrder(labels: side.config.labels, path: side.path, task: task).outputs
      guard let own, let first = order.outputs else { return nil }
      var outputs = first
      for (label, output) in first.enumerated() { outputs[output] = own[label] }
      return outputs
    }
  }

  /// The longest input that all of them take.
  func lengthLimit(_ asked: Int?) -> Int { sides.map { $0.lengthLimit(asked) }.min() ?? .max }

  /// What messages and plans say of each.
  var descriptions: [ModelDescription] { sides.map(\.description) }

  /// All teachers as one, the first in front.
  ///
  /// - Parameter labels: The student's labels.
  func ensemble(first: TeacherSide, labels: [String]) throws -> TeacherEnsemble {
    let members = try zip([first] + sides, [nil] + outputs).map { side, outputs in
      ReorderedTeacher(try side.teacher(), labels: labels, outputs: outputs)
    }
    return try TeacherEnsemble(members, weights: weights, average: average)
  }
}
