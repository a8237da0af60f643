import Datasets
import Foundation
package import Tasks
import Training

extension DistillationJob {
  /// Files of the user's that a run reads.
  var inputs: [String] {
    [student.name, student.tokenizer, student.source].compactMap { $0 }
      + tasks.flatMap { task in
        [task.data] + task.teachers.flatMap { [$0.path, $0.cache].compactMap { $0 } }
          + task.reader.paths
      }
  }

  /// Inputs of a run with the parts that they play: the student's models, the teachers with their answers, and the data.
  package var provenance: [ProvenanceInput] {
    let models = [
      ("student", student.name), ("student_tokenizer", student.tokenizer), ("student_from", student.source),
    ]
    return models.compactMap { role, path in path.map { ProvenanceInput(role, $0) } }
      + tasks.flatMap(\.provenance)
  }

  /// Seeds of a run by the names of their settings.
  package var seeds: [String: UInt64] {
    var seeds = training.seeds
    for task in tasks { if let seed = task.augmentation?.seed { seeds["augment_seed"] = seed } }
    return seeds
  }

  /// Record of a run into a folder.
  ///
  /// - Parameters:
  ///   - folder: The run folder.
  ///   - others: Further files that the run reads, such as the task's; folders among them say nothing.
  ///   - invocation: The command line; nil where there is none.
  func record(in folder: URL, with others: [String], by invocation: Invocation?) -> ProvenanceRecord {
    ProvenanceRecord(
      in: folder, of: ProvenanceInput.named(provenance, by: others), seeds: seeds, by: invocation)
  }
}

extension JobTask {
  /// The data, the teachers and their answers.
  fileprivate var provenance: [ProvenanceInput] {
    let splits: [DataSplit] = [.train, .validation] + (teachers.isEmpty ? [] : [.unlabelled])
    return reader.provenance(of: splits)
      + teachers.flatMap { teacher in
        [
          teacher.path.map { ProvenanceInput("teacher", $0) },
          teacher.cache.map { ProvenanceInput("teacher_cache", $0) },
        ]
        .compactMap { $0 }
      }
      + [augmentation?.maskedModel.map { ProvenanceInput("masked_model", $0) }].compactMap { $0 }
  }
}

extension TrainingConfig {
  /// Seeds of a run by the names of their settings.
  var seeds: [String: UInt64] {
    var seeds = ["seed": seed]
    seeds["data_seed"] = dataSeed
    return seeds
  }
}
