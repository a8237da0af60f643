import ArgumentParser
import Distillation
import Encoders
import Foundation
import ModelFormats
import TaskData
import Tasks
import Tensors
import Training

/// A run of BERT-of-Theseus on the two models of a distillation.
struct TheseusRun {
  private let pair: TeacherAndStudent
  private let others: FurtherTeachers
  /// What trains the student.
  let distiller: TheseusDistiller

  /// A run, once everything fits.
  ///
  /// - Parameters:
  ///   - others: Teachers beside the first, for which there is no place here.
  ///   - distillation: The options of a distillation that were given, of which none applies here.
  init(
    _ config: TheseusConfig, _ pair: TeacherAndStudent, others: FurtherTeachers,
    distillation: JSONObject, seed: UInt64
  ) throws {
    guard others.sides.isEmpty else {
      throw CommandError("--theseus replaces the layers of one teacher; found \(others.sides.count + 1)")
    }
    guard distillation.isEmpty else {
      throw CommandError(
        "--theseus learns from the labels alone; leave out --temperature, --match and the other options of a distillation"
      )
    }
    guard let teacher = pair.teacher.folder?.model else {
      throw CommandError(
        "--theseus takes the teacher's own layers, and the teacher is not there; give --teacher")
    }
    guard pair.sharesTokens else {
      throw CommandError(
        "--theseus puts student and teacher into one model, so both must read the same tokens")
    }
    (self.pair, self.others) = (pair, others)
    distiller = try TheseusDistiller(
      config, teacher: teacher, student: pair.student.model, seed: seed)
  }

  /// What the run would do and need, for people and machines.
  func plan(training: TrainingConfig, examples: [EncodedExample]) throws -> (lines: [String], json: JSONValue)
  {
    var student = pair.descriptions.student
    student.trainableCount = pair.student.model.parameters.filter(\.isTrainable).reduce(0) { $0 + $1.count }
    let plan = try pair.plan(
      DistillationConfig(kdLossWeight: 0, hardLabelWeight: 1), others: others, training: training,
      examples: examples.filter { $0.target != .none }, student: student)
    let steps = plan.steps ?? 0
    let rates = [0, steps / 4, steps / 2, max(0, steps - 1)].map { step in
      String(format: "%.2f at step %d", distiller.config.rate(at: step, of: steps), step + 1)
    }
    let blocks = distiller.blocks.enumerated().map { index, block in
      "theseus  student layer \(index + 1) for teacher layers \(block.lowerBound + 1) to \(block.upperBound)"
    }
    var object = plan.json.objectValue ?? JSONObject()
    object["theseus"] = .array(
      distiller.blocks.map { .array($0.map { .integer($0 + 1) }) })
    return (
      plan.lines + blocks + ["theseus  replaced with probability " + rates.joined(separator: ", ")],
      .object(object)
    )
  }
}
