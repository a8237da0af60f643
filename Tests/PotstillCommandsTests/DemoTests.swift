import Datasets
import PotstillCommands
import PotstillDemo
import Testing

/// What the demo promises, on a smaller scale.
@Suite("Demo")
struct DemoTests {
  /// The demo of one task in small; the bounds leave room for other processors' last bits.
  struct Case: CustomTestStringConvertible {
    let settings: DemoSettings
    let languages: [SampleLanguage]
    /// What the teacher must reach.
    let teacher: Double
    /// By how much the student with it must beat the one without.
    let gain: Double
    var testDescription: String { "\(settings.task)" }

    init(_ task: SampleData.Kind, teacher: Double, gain: Double, change: (inout DemoSettings) -> Void) {
      var settings = DemoSettings(task)
      settings.teacher.layers = 2
      (settings.counts.validation, settings.counts.test) = (200, 500)
      change(&settings)
      self.settings = settings
      languages = task == .sentiment ? SampleLanguage.allCases : [.english]
      (self.teacher, self.gain) = (teacher, gain)
    }
  }

  /// Measured for teacher, student alone and student with the teacher: reviews 0.95, 0.57, 0.93; entities 1.00, 0.75,
  /// 0.98; answers 85, 71, 87.
  static let cases = [
    Case(.sentiment, teacher: 0.85, gain: 0.15) {
      ($0.counts.teacher, $0.counts.train, $0.counts.unlabelled) = (8000, 1500, 6000)
      ($0.student.epochs, $0.distillationEpochs) = (10, 8)
    },
    Case(.ner, teacher: 0.7, gain: 0.08) { ($0.counts.teacher, $0.counts.unlabelled) = (3000, 3000) },
    Case(.qa, teacher: 70, gain: 8) { ($0.counts.teacher, $0.counts.unlabelled) = (4000, 3000) },
  ]

  @Test("the teacher helps the student, on combinations that training never shows", arguments: cases)
  func distillationHelps(_ example: Case) throws {
    let run = DemoRun(settings: example.settings, languages: example.languages)
    let teacher = try run.teacher(seed: 1)
    let alone = try run.studentAlone(seed: 1)
    let distilled = try run.studentDistilled(from: teacher, seed: 1)
    let scores = "teacher \(teacher.score), alone \(alone.score), distilled \(distilled.score)"
    #expect(teacher.score > example.teacher, "\(scores)")
    #expect(distilled.score > alone.score + example.gain, "\(scores)")
  }
}
