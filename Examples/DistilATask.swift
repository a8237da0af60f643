import Foundation
import Potstill

/// Distils a task from a folder: a fine-tuned teacher becomes a student of two of its layers, trained, scored and saved.
///
/// The output is the run folder of `potstill distill`: the student with its tokenizer, its scores, and a recipe.
///
/// - Parameters:
///   - task: A task file, such as `tasks/sst2.yaml`.
///   - data: The folder of the task's files.
///   - teacher: The Hugging Face directory of the teacher.
///   - output: The run folder.
/// - Returns: Teacher and student side by side: scores, sizes, speed.
public func distil(task: URL, data: URL, teacher: URL, output: URL) throws -> [ModelMeasurement] {
  var sentiment = JobTask(try TaskDefinition(contentsOf: task), data: data.path)
  sentiment.teachers = [JobTeacher(teacher.path)]
  sentiment.distillation = DistillationConfig(temperature: 8, hardLabelWeight: 0.5, matches: [.map(.uniform)])
  var job = try DistillationJob(sentiment, student: JobStudent("T2"), output: output.path)
  job.training.numTrainEpochs = 3
  job.training.learningRate = 1e-4
  let run = try job.prepare()
  for warning in run.warnings { print(warning) }
  return try run.run().tables.first?.rows ?? []
}
