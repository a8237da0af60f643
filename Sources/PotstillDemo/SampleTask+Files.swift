public import Foundation
public import TaskData
public import Tasks
import Tasks

extension SampleTask {
  /// The task as `tasks/sample.yaml` defines it: few labels and a pool of unlabelled reviews.
  public static let definition = TaskDefinition(
    name: "sample", summary: "Sentiment of reviews drawn from Potstill's own grammars, English and Chinese",
    trainFile: "train.tsv", validationFile: "validation.tsv", testFile: "test.tsv",
    unlabelledFile: "unlabelled.tsv", textColumn: .name("sentence"), labels: ["negative", "positive"],
    maxSequenceLength: 64,
    defaults: TaskDefaults(
      learningRate: 1e-3, numTrainEpochs: 15, perDeviceTrainBatchSize: 32, perDeviceEvalBatchSize: 128,
      warmupRatio: 0.1))

  /// The same task with the teacher's many labels, as `tasks/sample-teacher.yaml` defines it.
  public static var teacherDefinition: TaskDefinition {
    var task = definition
    task.name = "sample-teacher"
    task.summary = "The sample task with the many labelled reviews that its teacher is trained on"
    task.trainFile = "teacher.tsv"
    task.unlabelledFile = nil
    task.defaults.learningRate = 5e-4
    task.defaults.numTrainEpochs = 6
    return task
  }

  /// Writes the splits as the TSV files that `sample` and `sample-teacher` name; the folder is created.
  ///
  /// A file appears under its name only when it is complete. Throws `TaskDataError.unwritableFile`.
  public static func write(_ splits: SampleSplits<TextExample>, to folder: URL) throws(TaskDataError) {
    let labels = definition.labels
    func table(_ examples: [TextExample], labelled: Bool) -> String {
      var text = labelled ? "sentence\tlabel\n" : "sentence\n"
      for example in examples {
        text += example.text
        if let label = example.label { text += "\t" + labels[label] }
        text += "\n"
      }
      return text
    }
    try SampleFiles.write(
      splits.named.map { ($0.name + ".tsv", table($0.rows, labelled: $0.isLabelled)) }, to: folder)
  }
}
