import Datasets
import Distillation
import Encoders
import Foundation
import ModelFormats
import Tensors
import Testing
import Training

/// A teacher whose answers are not finite, and numbers of a configuration that no loss can hold.
@Suite struct BrokenTeacherTests {
  private func brokenTeacher() throws -> TaskModel {
    let teacher = try tinyModel(seed: 1)
    let weight = try #require(teacher.parameters.first { $0.name.contains("layer.1.output.dense.weight") })
    weight.assign(Tensor(repeating: .nan, shape: weight.shape))
    return teacher
  }

  private var examples: [EncodedExample] {
    (0..<4).map { EncodedExample(ids: [2, Int32(10 + $0), 3], segments: [0, 0, 0], label: Int32($0 % 3)) }
  }

  @Test("the part that is broken is named, and the learning rate is not blamed")
  func logits() throws {
    let distiller = try GeneralDistiller(
      DistillationConfig(), teacher: try brokenTeacher(), student: try tinyModel(layers: 1, seed: 2))
    var training = TrainingConfig()
    (training.maxSteps, training.saveStrategy) = (1, .never)
    let text = message { try distiller.train(examples, config: training) }
    #expect(text.contains("Not finite is unweighted_kd_loss"), "\(text)")
    #expect(text.contains("the teacher's answers") && !text.contains("Lower learning_rate"), "\(text)")
  }

  @Test("with matches the advice is not to go without a cache")
  func matches() throws {
    let distiller = try GeneralDistiller(
      DistillationConfig(intermediateMatches: [IntermediateMatch(teacherLayer: 2, studentLayer: 1)]),
      teacher: try brokenTeacher(), student: try tinyModel(layers: 1, seed: 2))
    let file = FileManager.default.temporaryDirectory.appending(path: "broken-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: file) }
    let text = message { try distiller.cacheTeacher(over: examples, in: file) }
    #expect(text.contains("are not finite for one sequence"), "\(text)")
    #expect(!text.contains("no-cache-teacher-logits"), "\(text)")
  }

  @Test("numbers that overflow a loss, or vanish in it, are refused by their own names")
  func numbers() throws {
    let (teacher, student) = (try tinyModel(seed: 1), try tinyModel(layers: 1, seed: 2))
    func found(_ config: DistillationConfig) -> [String] {
      faults(config, teacher: teacher, student: student).map(\.description)
    }
    let match = { (weight: Double) in IntermediateMatch(teacherLayer: 2, studentLayer: 1, weight: weight) }
    let cases: [(DistillationConfig, String)] = [
      (DistillationConfig(temperature: 1e-300), "temperature: found 1e-300"),
      (DistillationConfig(temperature: 1e300), "temperature: found 1e+300"),
      (
        DistillationConfig(kdLossWeight: 1e300),
        "kd_loss_weight: found 1e+300, expected at least 0 and at most"
      ),
      (DistillationConfig(kdLossWeight: 1e-300), "kd_loss_weight: found 1e-300, which is 0"),
      (DistillationConfig(hardLabelWeight: 1e300), "hard_label_weight: found 1e+300"),
      (
        DistillationConfig(intermediateMatches: [match(1e300)]),
        "intermediate_matches[0].weight: found 1e+300"
      ),
      (
        DistillationConfig(temperatureSchedule: .flsw(beta: 1e300, gamma: 1)),
        "temperature_scheduler: found beta 1e+300"
      ),
      (
        DistillationConfig(temperatureSchedule: .flsw(beta: 1, gamma: 1e3)),
        "temperature_scheduler: found beta 1.0 and gamma"
      ),
      (
        DistillationConfig(kdLossType: .dkd, kdLossOptions: KDLossOptions(alpha: 1e300)),
        "kd_loss_options.alpha: found 1e+300"
      ),
      (
        DistillationConfig(intermediateMatches: [IntermediateMatch(teacherLayer: .min, studentLayer: 1)]),
        "teacher layer -9223372036854775808 does not exist"
      ),
    ]
    for (config, expected) in cases {
      #expect(found(config).contains { $0.contains(expected) }, "\(expected): \(found(config))")
    }
    #expect(found(DistillationConfig(temperature: 20, kdLossWeight: 1e4, hardLabelWeight: 1e-3)).isEmpty)
  }
}
