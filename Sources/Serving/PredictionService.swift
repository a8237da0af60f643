import Encoders
import Foundation
import ModelFormats
import Tasks
import Tokenization

/// Answers of a server, whatever protocol asks for them.
struct PredictionService: Sendable {
  /// The model that was asked for.
  let student: ServedModel
  /// The model that answers beside it; nil for none.
  let teacher: ServedModel?
  let settings: ServerSettings

  /// State of the server for `GET /health`.
  var health: JSONValue {
    var object = JSONObject()
    object["status"] = "ok"
    object["version"] = .string(LibraryVersion.current)
    object["model"] = student.description
    object["teacher"] = teacher?.description
    return .object(object)
  }

  /// Answers to a body of `POST /predict`.
  ///
  /// - Throws: `ServerFault`; `CancellationError`.
  func predict(_ body: [UInt8]) async throws -> JSONValue {
    let request = try PredictionRequest(body, needsPair: student.needsPair, limit: settings.maxTexts)
    let items = request.entries.map(\.item)
    do {
      async let beside = teacher?.engine.answer(items)
      var answers = try await student.engine.answer(items)
      if let others = try await beside {
        answers = zip(answers, others).map { answer, other in
          var object = answer.objectValue ?? JSONObject()
          object["teacher"] = other
          return .object(object)
        }
      }
      return request.isList ? ["predictions": .array(answers)] : answers[0]
    } catch let error as TaskError {
      throw ServerFault.unanswerable("\(error)")
    } catch let error as TokenizerError {
      throw ServerFault.unanswerable("\(error)")
    }
  }

  /// Tokens of a body of `POST /tokenize`.
  ///
  /// - Throws: `ServerFault`.
  func tokenize(_ body: [UInt8]) throws -> JSONValue {
    let request = try PredictionRequest(body, needsPair: false, limit: settings.maxTexts)
    do {
      let results = try request.entries.map { try student.tokens(of: $0) }
      return request.isList ? ["results": .array(results)] : results[0]
    } catch let error as TokenizerError {
      throw ServerFault.unanswerable("\(error)")
    }
  }

  /// Ends both engines once what waits is answered.
  func stop() {
    student.engine.stop()
    teacher?.engine.stop()
  }
}

/// Model behind a server, with its engine.
struct ServedModel: Sendable {
  /// Name of its folder.
  let name: String
  /// Description for `GET /health`.
  let description: JSONValue
  /// Whether it answers questions about a passage.
  let needsPair: Bool
  /// The tokenizer.
  let tokenizer: any Tokenizer
  /// Longest input in tokens.
  let limit: Int
  /// The engine.
  let engine: PredictionEngine

  /// Loads a model.
  ///
  /// - Throws: What loading throws; `TaskError` for a model without a trained head, or one that has no answers.
  init(
    _ path: String, settings: ServerSettings, listener: any WorkListener,
    measured: @escaping @Sendable (Int, Double) -> Void
  ) throws {
    let model = try TokenizedModel(
      path, allowsNonFinite: settings.allowsNonFinite, listener: listener)
    limit = model.lengthLimit(settings.maxSequenceLength, listener: listener)
    var prediction = PredictionSettings()
    prediction.topCount = Int.max
    let run = try PredictionRun(model, limit: limit, settings: prediction)
    name = URL(filePath: path).lastPathComponent
    tokenizer = model.tokenizer
    needsPair = run.unit == 2
    let config = model.model.config
    description = [
      "name": .string(name), "task": .string(config.taskFamily.name),
      "layers": .integer(config.layerCount), "parameters": .integer(model.model.parameterCount),
      "max_seq_length": .integer(limit), "labels": .array(config.labels.map { .string($0) }),
    ]
    nonisolated(unsafe) let own = run
    // Safe because nothing else keeps the run.
    engine = PredictionEngine(own, limit: settings.maxWaitingTexts, measured: measured)
  }

  /// Tokens of a text as a JSON object: tokens, ids and places in Unicode scalars.
  ///
  /// - Throws: `TokenizerError`.
  func tokens(of entry: PredictionRequest.Entry) throws -> JSONValue {
    let encoding = try tokenizer.encode(
      entry.text, pair: entry.pair, truncation: Truncation(maxLength: limit))
    return [
      "tokens": .array(encoding.tokens.map { .string($0) }),
      "ids": .array(encoding.ids.map { .integer(Int($0)) }),
      "offsets": .array(encoding.offsets.map { [.integer($0.lowerBound), .integer($0.upperBound)] }),
      "sequences": .array(encoding.sequenceIndex.map { $0.map { .integer($0) } ?? .null }),
    ]
  }
}
