import Encoders
import TaskData
import Tensors
import Tokenization

/// Which output of a model stands for which label of a task: models may order the labels in a way of their own.
struct LabelOrder {
  /// The model's output for each label of the task.
  private let outputs: [Int]

  /// Finds the order by name, upper and lower case alike; a model with default names is taken to have the task's order.
  init(model: TaskModel, path: String, task: TaskDefinition) throws {
    let own = model.config.labels.map { $0.lowercased() }
    let wanted = task.labels.map { $0.lowercased() }
    let found = wanted.compactMap { own.firstIndex(of: $0) }
    let hasDefaultNames = own == own.indices.map { "label_\($0)" }
    if found.count == wanted.count, own.count == wanted.count {
      outputs = found
    } else if own.count == wanted.count, hasDefaultNames {
      outputs = Array(own.indices)
    } else {
      throw CommandError(
        "\(path) answers \(model.config.labels.joined(separator: ", ")), but task \(task.name) has the labels "
          + "\(task.labels.joined(separator: ", ")); evaluate it on its own task, or train it on this one")
    }
  }

  /// Examples of the task with the model's numbers for their labels.
  func relabel(_ examples: [EncodedExample]) -> [EncodedExample] {
    examples.map { example in
      var example = example
      if example.label >= 0 { example.label = Int32(outputs[Int(example.label)]) }
      return example
    }
  }

  /// The forward pass with the outputs in the task's order.
  func forward(_ model: TaskModel) -> (TokenBatch, Context) -> Tensor {
    let isIdentity = outputs == Array(outputs.indices)
    return { [outputs] batch, context in
      let logits = model(batch, in: context).logits
      if isIdentity { return logits }
      let values = logits.values
      let width = outputs.count
      return Tensor(
        (0..<batch.count).flatMap { row in outputs.map { values[row * width + $0] } },
        shape: [batch.count, width])
    }
  }
}
