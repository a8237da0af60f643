import PotstillCommands
import PotstillDemo
import TaskData
import Testing

/// What the demo promises, on a smaller scale.
@Suite("Demo")
struct DemoTests {
  @Test("the teacher helps the student: mean over three seeds, on combinations that training never shows")
  func distillationHelps() throws {
    var settings = DemoSettings()
    settings.counts = SampleCounts(
      teacher: 8000, train: 1500, unlabelled: 6000, validation: 300, test: 600)
    settings.teacher.layers = 2
    settings.student.epochs = 10
    settings.distillationEpochs = 8
    let run = DemoRun(settings: settings)
    let teacher = try run.teacher(seed: 1)
    var alone = 0.0
    var distilled = 0.0
    for seed in UInt64(1)...3 {
      alone += try run.studentAlone(seed: seed).score / 3
      distilled += try run.studentDistilled(from: teacher, seed: seed).score / 3
    }
    // Measured: teacher 0.95, alone 0.57, distilled 0.93; the bounds leave room for other processors' last bits.
    #expect(teacher.score > 0.85)
    #expect(distilled > alone + 0.15, "alone \(alone), distilled \(distilled)")
    #expect(distilled > 0.8)
  }

  @Test("entities and answers are learnt and handed on, on combinations that training never shows")
  func otherTasks() throws {
    var entities = DemoSettings(.ner)
    entities.counts.teacher = 4000
    entities.counts.unlabelled = 4000
    var questions = DemoSettings(.qa)
    questions.counts.teacher = 6000
    questions.counts.unlabelled = 5000
    questions.teacher.layers = 2
    // Measured for answers: 0.87, 0.67, 0.85; for entities of the whole demo: 1.00, 0.79, 0.96.
    for (settings, language) in [(entities, SampleLanguage.english), (questions, .english)] {
      let run = DemoRun(settings: settings, languages: [language])
      let teacher = try run.teacher(seed: 1)
      let (alone, distilled) = (
        try run.studentAlone(seed: 1), try run.studentDistilled(from: teacher, seed: 1)
      )
      let scale = settings.task == .qa ? 100.0 : 1
      #expect(teacher.score > 0.7 * scale)
      #expect(distilled.score > alone.score + 0.08 * scale)
    }
  }
}
