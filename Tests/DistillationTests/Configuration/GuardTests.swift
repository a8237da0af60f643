import Datasets
import Distillation
import Encoders
import ModelFormats
import Tasks
import Tensors
import Testing
import Tokenization
import Training

/// The guards of a distillation, and the teacher's mode.
@Suite struct DistillationGuardTests {
  @Test func theTeacherIsAlwaysInEvaluationMode() throws {
    let config = DistillationConfig(temperature: 2, matches: [.map(.uniform)])
    let student = try tinyModel(seed: 2)
    func loss(teacherDropout: Float) throws -> Tensor {
      let teacher = try tinyModel(layers: 3, dropout: teacherDropout, seed: 1)
      let distiller = try GeneralDistiller(config, teacher: teacher, student: student)
      return try distiller.loss(tinyBatch(), progress: 0, in: recording()).total
    }
    // In a pass that trains, half of the teacher's values would be dropped.
    #expect(try loss(teacherDropout: 0.5).item == loss(teacherDropout: 0).item)
    let teacher = try tinyModel(dropout: 0.5, seed: 1)
    let before = teacher.parameters.map(\.values)
    let distiller = try GeneralDistiller(config, teacher: teacher, student: student)
    let context = recording()
    let total = try distiller.loss(tinyBatch(), progress: 0, in: context).total
    context.tape?.backward(from: total)
    #expect(teacher.parameters.allSatisfy { $0.gradient == nil })
    #expect(teacher.parameters.map(\.values) == before)
  }

  private func evaluation(_ answers: [String], labels: [Int32]) -> (TaskEvaluation, EncodedTask) {
    let task = TaskDefinition(name: "t", kind: .classification, labels: ["no", "yes"], metrics: ["accuracy"])
    let examples = labels.map { EncodedExample(ids: [2, 3], segments: [0, 0], label: $0) }
    let data = EncodedTask(examples, task: task)
    return (
      TaskEvaluation(
        result: EvaluationResult(loss: nil, metrics: [], examples: labels.count, runtime: 1),
        predictions: .labels(answers.map { ($0, [0, 0]) }), of: data),
      data
    )
  }

  @Test func aTeacherAtChanceIsFound() {
    func warning(_ answers: [String], _ labels: [Int32]) -> Fault? {
      let (evaluation, data) = evaluation(answers, labels: labels)
      return DistillationGuards.teacherAtChance("big", evaluation, on: data)
    }
    let labels: [Int32] = [0, 0, 0, 1, -100]
    #expect(warning(["no", "no", "no", "yes", "no"], labels) == nil)
    let constant = warning(["no", "no", "no", "no", "no"], labels)
    #expect(constant?.severity == .warning)
    #expect(
      constant?.message.contains(
        "accuracy of big on 5 validation rows is 0.75, no better than the commonest label (0.75)") == true)
    #expect(warning(["yes", "no", "no", "yes", "no"], labels) != nil)
    #expect(warning(["yes"], [-100]) == nil)
  }

  @Test func aFreshStudentAndUnequalLengthsAreFound() {
    #expect(DistillationGuards.freshStudent("T4-tiny", sequences: 49_999) != nil)
    #expect(DistillationGuards.freshStudent("T4-tiny", sequences: 50_000) == nil)
    #expect(DistillationGuards.unequalLengths(teacher: 512, student: 128, longest: 128) != nil)
    #expect(DistillationGuards.unequalLengths(teacher: 512, student: 128, longest: 90) == nil)
    #expect(DistillationGuards.unequalLengths(teacher: 64, student: 64, longest: 64) == nil)
  }
}
