import Foundation
import Kernels
public import ModelFormats
import Tensors
import Tokenization

extension TaskModel {
  /// Loads a Hugging Face directory of an `EncoderArchitecture`: `config.json` and `model.safetensors` or its shards,
  /// without them `pytorch_model.bin` or its shards.
  ///
  /// A head that the checkpoint lacks, or whose place another one takes, starts fresh, as in `transformers`;
  /// `loadReport` names it, what else the checkpoint holds, and parameters with NaN or infinite values. A head that is there
  /// in part is an error.
  ///
  /// - Parameters:
  ///   - directory: The model directory.
  ///   - head: What shall stand on the encoder; nil keeps the head that `architectures` names, or classifies sequences.
  ///   - labels: The classes of a new task; nil keeps the directory's. A stored head is kept when it has these very
  ///     labels (or as many, with the default names `LABEL_0` …) and replaced by a fresh one otherwise. Heads without
  ///     classes (question answering, masked words) ignore them.
  ///   - problemType: What the outputs mean; nil keeps the directory's with its head.
  ///   - seed: What fresh values are drawn from, together with their parameter's name.
  /// - Throws: `ModelError`; every missing, mis-shaped, unreadable and unexpected name comes in one error.
  public convenience init(
    directory: URL, head: TaskHead? = nil, labels: [String]? = nil, problemType: ProblemType? = nil,
    seed: UInt64 = 42
  ) throws(ModelError) {
    var config = try EncoderConfig(directory: directory)
    let keepsHead = config.set(head: head, labels: labels, problemType: problemType)
    if head != nil || labels != nil { try config.check(file: "the new task") }
    let reader: CheckpointReader
    do throws(FormatError) { reader = try CheckpointReader(directory: directory) } catch {
      throw .format(error)
    }
    let (family, form) = (config.family, config.headForm)
    let aliases = form.aliases(wordTable: family.module + "." + family.wordTable)
    let source = try CheckpointSource(
      reader, family: family, aliases: aliases, isQuantized: try QuantizationFormat.isUsed(by: config)
    ) {
      !keepsHead && $0.hasPrefix(form.output + ".")
    }
    let parts = HeadParts(of: form, in: source)
    let store = ParameterStore(source: source, seed: seed) { parts.mayBeFresh($0) }
    try self.init(config: config, store: store, isFresh: false)
    saveDType = SaveDType(ofMost: reader.names.compactMap { reader[$0] })
  }

  /// Loads a Hugging Face directory with the head that it has; of a bare encoder none is made.
  ///
  /// - Throws: `ModelError`, as the other.
  package static func stored(in directory: URL) throws(ModelError) -> TaskModel {
    let model = try TaskModel(directory: directory)
    return model.startsWithFreshHead
      ? try TaskModel(directory: directory, head: .sentenceSimilarity) : model
  }

  /// Whether the layer that gives the logits started at random because the checkpoint had none for these labels.
  package var startsWithFreshHead: Bool {
    loadReport?.fresh.contains(config.headForm.output + ".weight") ?? false
  }

  /// The parameters that hold NaN or infinite values now.
  public var nonFiniteParameters: [LoadReport.NonFinite] {
    LoadReport.NonFinite.find(in: parameters, named: storedName)
  }

  /// Writes `config.json`, `model.safetensors` and the tokenizer's files as `transformers` reads them with
  /// `from_pretrained`; it refuses a model in 8-bit integers, which only Potstill reads (`QuantizationFormat`).
  ///
  /// - Parameters:
  ///   - directory: The model directory; made when it does not exist.
  ///   - tokenizer: The tokenizer to store with the model, which then says no greater length than the model's; nil stores
  ///     none.
  ///   - type: The type of the floats in the file; nil takes `saveDType`. The model keeps its values.
  /// - Throws: `ModelError.nonFinite` when a parameter holds NaN or infinite values, before anything is written;
  ///   `ModelError.format` when a value is beyond the range of the type; that or `.tokenizer` when a file cannot be written.
  public func save(
    to directory: URL, tokenizer: (any Tokenizer)? = nil, as type: SaveDType? = nil
  ) throws(ModelError) {
    let nonFinite = nonFiniteParameters
    guard nonFinite.isEmpty else {
      throw .nonFinite(file: directory.path, parameters: nonFinite)
    }
    do {
      try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    } catch {
      throw .format(.cannotWrite(file: directory.path, reason: describeFileError(error)))
    }
    var writer = SafetensorsWriter()
    for parameter in parameters {
      let name = storedName(of: parameter)
      if let matrix = parameter.quantized {
        writer.add(name, quantized: matrix)
      } else {
        writer.add(
          name, shape: parameter.shape.dimensions, values: parameter.storage, as: type ?? saveDType)
      }
    }
    do throws(FormatError) {
      try writer.write(to: directory.appending(path: "model.safetensors"))
      try storedConfig(type ?? saveDType).write(to: directory.appending(path: "config.json"))
    } catch {
      throw .format(error)
    }
    guard let tokenizer else { return }
    do throws(TokenizerError) { try tokenizer.limited(to: config.maxPositions).save(to: directory) } catch {
      throw .tokenizer(error)
    }
  }
}

extension TaskModel {
  /// Has the model saved in a type of floats.
  ///
  /// - Throws: `ModelError.format` naming the first parameter with a value beyond its range.
  package func choose(_ type: SaveDType) throws(ModelError) {
    saveDType = type
    try forEachRounded { _, _ in }
  }

  /// Rounds the values to those that the model has when it is loaded from its file.
  ///
  /// - Throws: `ModelError.format` as above, before any value is changed.
  package func roundToSaved() throws(ModelError) {
    try forEachRounded { _, _ in }
    try forEachRounded { $0.assign($1) }
  }

  private func forEachRounded(_ body: (Parameter, Tensor) -> Void) throws(ModelError) {
    if saveDType == .float32 { return }
    for parameter in parameters where parameter.quantized == nil {
      do throws(FormatError) {
        let values = try saveDType.rounded(
          parameter.storage, named: storedName(of: parameter), file: "the model")
        body(parameter, Tensor(storage: values, shape: parameter.shape))
      } catch {
        throw .format(error)
      }
    }
  }
}

extension EncoderConfig {
  /// Changes the task; returns whether a stored head of the same name still answers it.
  fileprivate mutating func set(head: TaskHead?, labels: [String]?, problemType: ProblemType?) -> Bool {
    if let head { self.head = head }
    var keepsHead = storedHead == nil || storedHead == self.head
    if self.head.hasLabels, let labels {
      let hasThese =
        labels == self.labels
        || (labels.count == self.labels.count && self.labels == Self.defaultLabels(labels.count))
      keepsHead = keepsHead && hasThese
      self.labels = labels
    }
    if self.head == .questionAnswering, !keepsHead { self.labels = Self.defaultLabels(2) }
    if !keepsHead || self.head != .sequenceClassification { self.problemType = nil }
    if let problemType { self.problemType = problemType }
    return keepsHead
  }
}
