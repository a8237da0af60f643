import Datasets
import Encoders
import Training

/// Label order of a model: which of its outputs stands for which label of a task.
package struct LabelOrder {
  /// The model's output for each output of the task; nil where the outputs have no names.
  package let outputs: [Int]?

  /// Finds the order by name, upper and lower case alike; a model with default names is taken to have the task's order.
  package init(model: TaskModel, path: String, task: TaskDefinition) throws {
    try self.init(labels: model.config.labels, path: path, task: task)
  }

  /// Finds the order of a model that need not be at hand from the names of its outputs.
  package init(labels: [String], path: String, task: TaskDefinition) throws {
    guard task.kind.hasLabels else {
      outputs = nil
      return
    }
    let own = labels.map { $0.lowercased() }
    let wanted = task.outputLabels.map { $0.lowercased() }
    let found = wanted.compactMap { own.firstIndex(of: $0) }
    if found.count == wanted.count, own.count == wanted.count {
      outputs = found
    } else if own.count == wanted.count, Self.areDefaultNames(labels) {
      outputs = Array(own.indices)
    } else {
      throw TaskError(
        "\(path) answers \(labels.joined(separator: ", ")), but task \(task.name) has the labels "
          + "\(task.outputLabels.joined(separator: ", ")); evaluate it on its own task, or train it on this one"
      )
    }
  }

  /// Whether labels are the names that `transformers` gives outputs without names, which say nothing.
  private static func areDefaultNames(_ labels: [String]) -> Bool {
    labels.map { $0.lowercased() } == labels.indices.map { "label_\($0)" }
  }

  /// The names for a student of a model with some labels: the task's where the model's say nothing.
  package static func names(_ labels: [String], of task: TaskDefinition) -> [String] {
    task.kind.hasLabels && labels.count == task.outputLabels.count && areDefaultNames(labels)
      ? task.outputLabels : labels
  }

  /// Examples of the task with the model's numbers for their labels.
  package func relabel(_ examples: EncodedExamples) -> EncodedExamples {
    guard let outputs, outputs != Array(outputs.indices) else { return examples }
    @Sendable func renumbered(_ label: Int32) -> Int32 {
      label < 0 || Int(label) >= outputs.count ? label : Int32(outputs[Int(label)])
    }
    return examples.changingTargets { target in
      switch target {
      case .label(let label): return .label(renumbered(label))
      case .tags(let tags): return .tags(tags.map(renumbered))
      case .labels(let flags):
        var own = flags
        for (label, output) in outputs.enumerated() where output < flags.count && label < flags.count {
          own[output] = flags[label]
        }
        return .labels(own)
      case .none, .value, .span: return target
      }
    }
  }
}
