import Kernels
import ModelFormats
import Tensors

extension TaskModel {
  /// This model with its encoder's matrices in 8-bit integers: four times smaller, for inference.
  ///
  /// Every output of a linear layer and every word of a table gets the scale max |w| / 127; activations are quantised row by
  /// row as they come. Heads, biases and norms stay floats. The word table of a masked language model stays too, since
  /// its head multiplies by it. Nothing is calibrated.
  ///
  /// - Parameter kept: What stays in floats: runs of whole components of a parameter's name, such as `output.dense`,
  ///   `encoder.layer.11` or `embeddings`.
  /// - Returns: A model of its own; this one keeps its values.
  /// - Throws: `ModelError.request` when an entry of `kept` fits no matrix, the model is one of integers already or has no
  ///   matrix that could be one, or weights are NaN or infinite.
  public func quantized(keeping kept: [String] = []) throws(ModelError) -> TaskModel {
    let chosen = try matrices(keeping: kept)
    let source = QuantizedCopy(of: self, quantizing: Set(chosen.map(\.name)))
    let model = try TaskModel(config: config, store: ParameterStore(source: source, seed: 0), isFresh: false)
    model.saveDType = saveDType
    return model
  }

  /// Makes the encoder's matrices compute as their 8-bit integers will, in training and outside (quantisation-aware training).
  ///
  /// What the model answers from now on is what `quantized(keeping:)` of it answers, to the bit. Gradients pass the rounding
  /// straight through to the floats, which the model goes on to hold and to save.
  ///
  /// - Parameter kept: What computes in floats, as of `quantized(keeping:)`.
  /// - Throws: What `quantized(keeping:)` throws.
  public func simulateInt8(keeping kept: [String] = []) throws(ModelError) {
    let chosen = Set(try matrices(keeping: kept).map(\.name))
    for parameter in parameters { parameter.simulatesInt8 = chosen.contains(parameter.name) }
  }

  /// Makes all matrices compute as the floats that they are again.
  public func stopSimulatingInt8() {
    for parameter in parameters { parameter.simulatesInt8 = false }
  }

  /// Whether some matrices compute as their 8-bit integers will.
  public var simulatesInt8: Bool { parameters.contains(where: \.simulatesInt8) }

  /// The matrices that can be 8-bit integers, those that shall stay in floats left out.
  private func matrices(keeping kept: [String]) throws(ModelError) -> [Parameter] {
    guard !isQuantized else { throw .request("the model's weights are 8-bit integers already") }
    let candidates = parameters.filter(mayBeQuantized)
    guard !candidates.isEmpty else {
      throw .request(
        "a model of type \(config.architecture.rawValue) has no matrices that could be 8-bit integers")
    }
    if let wrong = kept.first(where: { entry in !candidates.contains { $0.name.hasComponents(of: entry) } }) {
      throw .request(
        "\"\(printable(wrong, atMost: 80))\" keeps nothing: it is part of no matrix's name, such as \(candidates[0].name)"
      )
    }
    let chosen = candidates.filter { parameter in !kept.contains { parameter.name.hasComponents(of: $0) } }
    let nonFinite = LoadReport.NonFinite.find(in: chosen, named: storedName)
    guard nonFinite.isEmpty else {
      throw .request(
        "weights that are NaN or infinite have no integers (\(LoadReport.NonFinite.text(nonFinite)))")
    }
    return chosen
  }

  /// Checks that the model has a form in 8-bit integers, with what shall stay in floats.
  ///
  /// - Throws: What `quantized(keeping:)` throws.
  package func checkQuantizable(keeping kept: [String]) throws(ModelError) { _ = try matrices(keeping: kept) }

  /// Modules of the matrices that `quantized(keeping:)` makes integers.
  ///
  /// - Parameter kept: What stays in floats, as there.
  package func quantizableModules(keeping kept: [String] = []) -> [String] {
    var modules: [String] = []
    for parameter in parameters where mayBeQuantized(parameter) {
      let module = parentModule(of: parameter.name)
      // Two factors are of one module.
      guard modules.last != module, !kept.contains(where: { parameter.name.hasComponents(of: $0) }) else {
        continue
      }
      modules.append(module)
    }
    return modules
  }

  /// This model with floats in place of its 8-bit integers: the values that they stand for.
  ///
  /// - Throws: `ModelError.request` for a model without integers.
  package func dequantized() throws(ModelError) -> TaskModel {
    guard isQuantized else { throw .request("the model's weights are floats already") }
    let source = QuantizedCopy(of: self, quantizing: [])
    return try TaskModel(config: config, store: ParameterStore(source: source, seed: 0), isFresh: false)
  }

  /// Whether some weights are 8-bit integers.
  public var isQuantized: Bool { parameters.contains { $0.quantized != nil } }

  /// The bytes of all parameters as they are held.
  public var byteCount: Int { parameters.reduce(0) { $0 + $1.byteCount } }

  /// Size and form of the weights.
  public var weights: WeightSize {
    WeightSize(
      form: isQuantized ? "int8" : saveDType.rawValue,
      fileBytes: parameters.reduce(0) {
        $0 + ($1.quantized?.byteCount ?? saveDType.dtype.byteCount * $1.count)
      }, heldBytes: byteCount)
  }

  /// Whether a parameter is the matrix of a linear layer or a table of embeddings in the encoder.
  private func mayBeQuantized(_ parameter: Parameter) -> Bool {
    guard parameter.shape.rank == 2, parameter.name.hasPrefix(config.family.module + "."),
      parameter.name.hasSuffix(".weight") || parameter.name.hasSuffix("." + WeightMatrix.upName),
      !config.headForm.owns(parameter.name)
    else { return false }
    return head != .maskedLanguageModel
      || !encoder.wordTable.weight.parameters.contains { $0 === parameter }
  }

  /// The configuration as it is saved beside the weights.
  ///
  /// - Parameter type: Type of the floats there.
  func storedConfig(_ type: SaveDType) -> JSONValue {
    guard var object = config.json.objectValue else { return config.json }
    if type != .float32 {
      // Version 4 of transformers reads the second key.
      for key in ["dtype", "torch_dtype"] { object[key] = .string(type.rawValue) }
    }
    guard isQuantized else { return .object(object) }
    let floats = parameters.filter { $0.shape.rank == 2 && $0.quantized == nil }
    var kept: [String] = []
    for module in floats.map({ parentModule(of: storedName(of: $0)) }) where kept.last != module {
      kept.append(module)
    }
    object[QuantizationFormat.key] = QuantizationFormat.json(kept: kept)
    return .object(object)
  }
}

/// Size of a model's weights in memory and in files, and their form there.
public struct WeightSize: Sendable, Equatable {
  /// The form in files: `float32`, `float16`, `bfloat16`, or `int8` for one whose matrices are 8-bit integers.
  public let form: String
  /// The bytes that the values take in the model's file.
  public let fileBytes: Int
  /// The bytes that the values take in memory.
  public let heldBytes: Int

  /// The size of weights of some form.
  public init(form: String, fileBytes: Int, heldBytes: Int) {
    (self.form, self.fileBytes, self.heldBytes) = (form, fileBytes, heldBytes)
  }

  /// The size of so many values in floats of 32 bits.
  public init(floats count: Int) {
    self.init(form: SaveDType.float32.rawValue, fileBytes: 4 * count, heldBytes: 4 * count)
  }

  /// The bytes in the file in MB of 2^20 bytes, with the form where that is not `float32`.
  package var text: String {
    megabytes(fileBytes) + " MB" + (form == SaveDType.float32.rawValue ? "" : " in \(form)")
  }
}

extension String {
  /// Whether some of the name's components, in a row, are those of another.
  fileprivate func hasComponents(of part: String) -> Bool {
    !part.isEmpty && ".\(self).".contains(".\(part).")
  }
}

/// Layout of a checkpoint whose matrices are 8-bit integers: `weight` I8 [rows, columns] and beside it `weight_scale` F32
/// [rows], value = scale · integer.
///
/// `config.json` states it under `quantization_config`. Without a `quant_method` there, `transformers` refuses the
/// folder; an unknown one it would only warn of, and take the integers for the weights.
enum QuantizationFormat {
  /// The key in `config.json`.
  static let key = "quantization_config"
  /// The name of the format there.
  static let name = "potstill-int8"

  /// The name of the scales of a matrix.
  static func scaleName(_ name: String) -> String { name + "_scale" }

  /// The entry for `config.json`.
  ///
  /// - Parameter kept: Modules whose matrices are floats.
  static func json(kept: [String]) -> JSONValue {
    [
      "format": .string(name), "bits": 8,
      "weights": ["strategy": "channel", "symmetric": true],
      "activations": ["strategy": "token", "symmetric": false, "dynamic": true],
      "modules_to_not_convert": .array(kept.map(JSONValue.string)),
    ]
  }

  /// Whether a `config.json` states this format.
  static func isStated(in object: JSONObject) -> Bool { object[key]?["format"]?.stringValue == name }

  /// Whether the checkpoint of a configuration has this format.
  ///
  /// - Throws: `ModelError.configuration` when it states this format with other bits than 8.
  static func isUsed(by config: EncoderConfig) throws(ModelError) -> Bool {
    guard isStated(in: config.original) else { return false }
    guard let bits = config.original[key]?["bits"], bits.intValue != 8 else { return true }
    throw .configuration(
      file: "config.json", field: "\(key).bits", problem: "found \(bits.compactText), expected 8")
  }
}

/// A model's parameters, copied, and some of its matrices as 8-bit integers.
private struct QuantizedCopy: QuantizedSource {
  let path = "the float model"
  private let parameters: [String: Parameter]
  private let chosen: Set<String>

  init(of model: TaskModel, quantizing chosen: Set<String>) {
    self.chosen = chosen
    parameters = Dictionary(uniqueKeysWithValues: model.parameters.map { (model.storedName(of: $0), $0) })
  }

  var names: [String] { Array(parameters.keys) }

  func shape(of name: String) -> Shape? { parameters[name]?.shape }

  func quantized(_ name: String) throws(ModelError) -> QuantizedMatrix? {
    guard chosen.contains(name), let parameter = parameters[name] else { return nil }
    return QuantizedMatrix(parameter.storage, rows: parameter.shape[0], columns: parameter.shape[1])
  }

  func tensor(_ name: String) throws(ModelError) -> Tensor {
    guard let parameter = parameters[name] else {
      preconditionFailure("tensor(_:) is only asked for names that shape(of:) knows, not \(name).")
    }
    return Tensor(storage: parameter.storage.copy(), shape: parameter.shape)
  }
}
