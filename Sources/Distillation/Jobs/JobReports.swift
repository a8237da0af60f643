import Datasets
import Foundation
import ModelFormats
import Reports
import Tasks
import Training

/// Reports of the models that a job leaves in its folders, with the files that they are made of.
struct JobReports {
  let job: DistillationJob
  let listener: any WorkListener

  /// Writes `report.html` of a task's model, with its graph of classes, and before it `plan.json`, `report.json` and
  /// `eval_predictions.jsonl`.
  ///
  /// A report that cannot be written is a warning: the run has its model and its results.
  ///
  /// - Parameters:
  ///   - task: The task with the model.
  ///   - plan: The plan of its training.
  ///   - folder: The folder that the model was saved to.
  ///   - results: The results.
  func write(_ task: PreparedTask, plan: JSONValue, to folder: URL, _ results: JobCards.Results) {
    do {
      try plan.write(to: folder.appending(path: "plan.json"))
      if let evaluation = results.evaluation, let rows = task.loaded.validation?.rows {
        try evaluation.writeRows(
          rows, to: folder, prefix: "eval", teachers: results.teachers.map(\.evaluation))
      }
      try facts(of: task, in: folder, results).write(to: folder)
      try RunReport(of: folder).write()
    } catch {
      listener.warn("the report of \(folder.relativePath) could not be written: \(error)")
    }
  }

  private func facts(of task: PreparedTask, in folder: URL, _ results: JobCards.Results) -> RunFacts {
    let title = CardModel.lastPart(of: folder.path)
    let teachers = results.teachers.map { RunFacts.Model($0, as: .teacher, named: CardModel($0.name).name) }
    let baseline = results.baseline.map { RunFacts.Model($0, as: .baseline, named: title + "/baseline") }
    let student = results.student.map { RunFacts.Model($0, as: .student, named: title) }
    let rows = task.loaded.rows
    return RunFacts(
      title: title,
      method: task.teachers.isEmpty ? .fineTuning : job.theseus == nil ? .distillation : .theseus,
      task: RunFacts.Task(
        task.definition, name: task.loaded.task.name, answered: results.evaluation?.predictions),
      base: CardModel(job.student.name).name,
      otherTasks: job.isMultitask
        ? job.tasks.map(\.name).filter { $0 != task.loaded.task.name } : nil,
      rows: RunFacts.Rows(
        train: rows.trainCount, labelled: rows.labelledCount,
        validation: task.loaded.validation?.rows.count ?? 0),
      models: teachers + [baseline, student].compactMap { $0 })
  }
}
