import Compression
import Datasets
import Encoders
import Foundation
import ModelFormats
import Tasks
import Tokenization

/// Form of a job's student by its name: a shape such as `T3`, or steps of a compression such as `layers=3,ffn=50%`.
enum StudentForm: Equatable {
  /// A shape that `StudentShape` reads, or a directory.
  case shape(StudentShape)
  /// The base, cut by some steps.
  case compressed([CompressionStep])

  /// Reads a name; one of steps begins with a kind of step and is, without an amount, no model's folder.
  ///
  /// - Throws: `ModelError.request` for a shape, `CompressionError.request` for steps that are spelt wrong, have no amount,
  ///   or make integers, which are not trained.
  init(_ name: String) throws {
    let first = name.prefix { $0 != "=" && $0 != "," }.lowercased().filter { $0 != " " }
    guard CompressionStep.Kind(rawValue: first) != nil,
      name.contains("=") || !FileManager.default.fileExists(atPath: name + "/config.json")
    else {
      self = .shape(try StudentShape(name))
      return
    }
    let steps = try CompressionStep.list(name)
    for step in steps {
      if step.kind == .int8 {
        throw CompressionError.request(
          "student \"\(printable(name, atMost: 80))\": 8-bit integers are not trained; leave int8 out, and make the trained student smaller with "
            + "'potstill compress --methods int8'")
      }
      if step.kind.needsAmount, step.amount == nil {
        throw CompressionError.request(
          "student \"\(printable(name, atMost: 80))\": \(step) needs how much stays, such as \(step)=50%")
      }
    }
    self = .compressed(steps)
  }

  /// The form, whose directory may be the name of a model on the Hugging Face hub.
  ///
  /// - Throws: `TaskError` for what is neither a shape nor a model.
  func located(_ listener: any WorkListener) throws -> StudentForm {
    switch self {
    case .shape(let shape): .shape(try shape.located(listener))
    case .compressed: self
    }
  }

  /// The shape; nil for steps.
  var shape: StudentShape? {
    switch self {
    case .shape(let shape): shape
    case .compressed: nil
    }
  }

  /// Most rows by which a compression finds out what the base can do without.
  static let mostRows = 512

  /// A smaller model of a base.
  ///
  /// - Parameters:
  ///   - steps: The steps, which have their amounts.
  ///   - base: The base, which keeps its values.
  ///   - rows: Training rows of the task.
  ///   - task: The task.
  ///   - listener: Hears what was cut.
  /// - Throws: `CompressionError`, `TokenizerError`.
  static func make(
    _ steps: [CompressionStep], of base: TokenizedModel, rows: RunRows, task: TaskDefinition,
    _ listener: any WorkListener
  ) throws -> (model: TaskModel, tokenizer: any Tokenizer) {
    let cutsVocabulary = steps.contains { $0.kind == .vocab }
    if cutsVocabulary, rows.stored != nil {
      throw TaskError(
        "a vocabulary is cut by all training texts, which are larger than memory here; cut the model with 'potstill compress' "
          + "first, on a part of them")
    }
    // Answers need not be known where none are.
    let sample = try rows.evenSample(mostRows)
    let ways = CompressionWays(
      measure: (rows.stored == nil ? rows.labelledCount : sample.labelledCount) > 0 ? .labels : .logits,
      form: .compact,
      texts: cutsVocabulary ? rows.train.plainTexts : [])
    let whole = CompressedModel(base.model, tokenizer: base.tokenizer)
    let smaller = try whole.applying(try steps.methods(ways)) { model in
      let reader = TokenizedModel(
        path: base.path, model: model.model, tokenizer: model.tokenizer ?? base.tokenizer)
      return CompressionRows(try reader.encode(sample, of: task).examples)
    }
    for report in smaller.reports { listener.note("\(report)") }
    return (smaller.model, smaller.tokenizer ?? base.tokenizer)
  }
}
