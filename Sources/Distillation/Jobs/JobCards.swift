import Compression
import Datasets
import Encoders
import Foundation
import ModelFormats
import Tasks
import Training

/// Cards of the models that a job leaves in its folders.
struct JobCards {
  /// Role of a model in a job.
  enum Role {
    /// Model that learnt from labels, in a job without a teacher.
    case fineTuned
    /// Student of a teacher, or of nobody in a job of several tasks.
    case student
    /// The same student on the labels alone.
    case baseline
  }

  /// Results of the models of a task.
  struct Results {
    /// The teachers.
    var teachers: [ModelMeasurement] = []
    /// The student without a teacher; nil where none was trained.
    var baseline: ModelMeasurement?
    /// The student.
    var student: ModelMeasurement?
    /// The student's scores and answers.
    var evaluation: TaskEvaluation?
  }

  let job: DistillationJob
  let plan: JobPlan
  let listener: any WorkListener

  /// Writes the card of a task's model, unless the folder has a `README.md` of the user's.
  ///
  /// - Parameters:
  ///   - task: The task with the model.
  ///   - role: What the model is in the job.
  ///   - folder: The folder that the model was saved to.
  ///   - metrics: The run's `metrics.jsonl`.
  ///   - results: The results.
  func write(
    _ task: PreparedTask, as role: Role, to folder: URL, metrics: URL, _ results: Results
  ) throws {
    let title = CardModel.lastPart(of: folder.path)
    var facts = CardFacts(
      title: title, task: task.definition, config: task.student.model.config, training: job.training)
    let base = base(of: task)
    facts.bases = [base].compactMap { $0 }
    facts.introduction = [
      made(task, role, title, base), sizes(task), rows(of: task, role), company(of: task, role),
    ].compactMap { $0 }
    facts.tags = tags(of: task, role)
    facts.plan = role == .baseline ? ["loss     1 × labels, no teacher"] : planLines
    let evaluation = role == .baseline ? results.baseline?.evaluation : results.evaluation
    facts.evaluation = evaluation?.result
    facts.report = try task.loaded.validation.flatMap { try evaluation?.report(on: $0.rows) }
    facts.history = EvaluationHistory(of: metrics, task: job.isMultitask ? task.loaded.task.name : nil)
    facts.comparison = comparison(of: task, role, title, results)
    if try !ModelCard(facts).write(to: folder) {
      listener.note(ModelCard.note(onFileIn: folder))
    }
  }

  // MARK: Parts

  /// Models that the job names, as cards name them, by the text of the job.
  private var shownNames: [(path: String, name: String)] {
    let teachers = job.tasks.flatMap { $0.teachers.flatMap { [$0.path, $0.cache].compactMap { $0 } } }
    let loaded = [job.student.name, job.student.source, job.student.tokenizer].compactMap { $0 }
    return (teachers + loaded + [job.output].compactMap { $0 }).filter { $0.contains("/") }
      .map { ($0, CardModel($0).name) }.sorted { $0.path.count > $1.path.count }
  }

  /// Lines of the plan that say something of the model: neither what the machine kept on the way nor paths of it.
  private var planLines: [String] {
    let names = shownNames
    return plan.lines.compactMap { line in
      let words = line.drop { $0 == " " }
      if words.hasPrefix("cache ") || words.hasPrefix("saved ") { return nil }
      return names.reduce(line) { $0.replacing($1.path, with: $1.name) }
    }
  }

  /// Model whose weights the task's model began with; nil for one that began at random.
  private func base(of task: PreparedTask) -> CardModel? {
    if task.teachers.isEmpty && !job.isMultitask { return CardModel(job.student.name) }
    switch try? StudentForm(job.student.name) {
    case .shape(.directory(let path)): return CardModel(path)
    case .shape(.evenlySpaced), .shape(.layers), .shape(.selected), .shape(.wordStudent), .compressed:
      let teachers = job.tasks.flatMap(\.teachers)
      return (job.student.source ?? task.loaded.base?.path ?? teachers.first?.path).map { CardModel($0) }
    case .shape(.preset), nil: return nil
    }
  }

  private func tags(of task: PreparedTask, _ role: Role) -> [String] {
    var tags: [String] = []
    if role == .student, !task.teachers.isEmpty {
      tags.append(job.theseus == nil ? "distillation" : "bert-of-theseus")
    }
    return tags + (job.isMultitask ? ["multi-task"] : [])
  }

  private func made(_ task: PreparedTask, _ role: Role, _ title: String, _ base: CardModel?) -> String {
    let definition = task.definition
    let name = Markdown.text(task.loaded.task.name)
    let about = definition.summary.map { " (\(Markdown.text($0)))" } ?? ""
    let start =
      base.map { "It began with \(Self.part(of: job.student.name, in: $0))" }
      ?? "It began with random weights"
    let model = Markdown.code(title)
    let teachers = task.teachers.map { CardModel($0.path).link }
    let ofTask = "for the task \(name)\(about)"
    switch role {
    case .fineTuned:
      return "\(model) is \(base?.link ?? "a model"), fine-tuned with Potstill \(ofTask)."
    case .baseline:
      return
        "\(model) learnt from labels alone with Potstill, \(ofTask): the same student as the run's own, without its "
        + "teacher, to compare with. \(start)."
    case .student:
      if teachers.isEmpty { return "\(model) learnt from labels with Potstill \(ofTask). \(start)." }
      let all = teachers.joined(separator: " and ")
      if job.theseus != nil {
        return
          "\(model) is a compressed \(all), made with Potstill \(ofTask) by replacing its layers step by step "
          + "(BERT-of-Theseus). \(start)."
      }
      return
        "\(model) is a student of \(all), made by knowledge distillation with Potstill \(ofTask). \(start)."
    }
  }

  /// Part of a base that a student of some shape begins with.
  private static func part(of student: String, in base: CardModel) -> String {
    switch try? StudentForm(student) {
    case .shape(.evenlySpaced), .shape(.layers), .shape(.selected): "layers of \(base.link)"
    case .shape(.wordStudent): "the word embeddings of \(base.link), and is random otherwise"
    case .compressed(let steps):
      "\(base.link), cut to \(steps.map(\.description).joined(separator: ", "))"
    case .shape(.directory), .shape(.preset), nil: base.link
    }
  }

  private func sizes(_ task: PreparedTask) -> String {
    func sizes(_ model: ModelDescription) -> String {
      "\(model.layers) layer\(model.layers == 1 ? "" : "s") of \(model.hiddenSize) features and "
        + "\(grouped(model.parameterCount)) parameters (\(model.weights.text))"
    }
    let own = "It has \(sizes(task.description))"
    guard let teacher = task.teachers.first?.description, teacher.parameterCount > 0 else { return own + "." }
    return "\(own); the teacher has \(sizes(teacher))."
  }

  private func rows(of task: PreparedTask, _ role: Role) -> String {
    let (all, labelled) = (task.loaded.rows.trainCount, task.loaded.rows.labelledCount)
    let used =
      switch role {
      case .fineTuned, .baseline: "\(grouped(labelled)) labelled rows"
      case .student where task.teachers.isEmpty: "\(grouped(labelled)) labelled rows"
      case .student:
        "\(grouped(all)) rows" + (labelled < all ? ", \(grouped(all - labelled)) of them without labels" : "")
      }
    let scored = task.loaded.validation.map { ", and was scored on \(grouped($0.rows.count))" } ?? ""
    return "It learnt from \(used)\(scored)."
  }

  /// Tasks that share the encoder.
  private func company(of task: PreparedTask, _ role: Role) -> String? {
    let others = job.tasks.map(\.name).filter { $0 != task.loaded.task.name }
    guard job.isMultitask, !others.isEmpty else { return nil }
    return "Its encoder was trained for other tasks at the same time: "
      + others.map(Markdown.text).joined(separator: ", ") + "."
  }

  private func comparison(
    of task: PreparedTask, _ role: Role, _ title: String, _ results: Results
  ) -> [(name: String, model: ModelMeasurement)] {
    guard role == .student, let student = results.student, !results.teachers.isEmpty else { return [] }
    let teachers = results.teachers.map { ("\(CardModel($0.name).name) (teacher)", $0) }
    let baseline = results.baseline.map { [("\(title), without a teacher", $0)] } ?? []
    return teachers + baseline + [(title, student)]
  }
}
