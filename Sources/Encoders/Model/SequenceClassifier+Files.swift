import Foundation
import ModelFormats
import Tensors
import Tokenization

extension SequenceClassifier {
  /// Loads a Hugging Face directory of an `EncoderArchitecture`: `config.json` and `model.safetensors` or its shards,
  /// without them `pytorch_model.bin` or its shards.
  ///
  /// A missing pooler or head starts fresh, as in `transformers`; `loadReport` names it. Float32 weights are used
  /// where the file is mapped and copied page by page when training writes to them.
  ///
  /// - Parameters:
  ///   - directory: The model directory.
  ///   - labels: The classes of a new task; nil keeps the directory's. A stored head is kept when it has these very
  ///     labels (or as many, with the default names `LABEL_0` …) and replaced by a fresh one otherwise.
  ///   - seed: What fresh values are drawn from, together with their parameter's name.
  /// - Throws: `ModelError`; every missing, mis-shaped, unreadable and unexpected name comes in one error.
  public convenience init(
    directory: URL, labels: [String]? = nil, seed: UInt64 = 42
  ) throws(ModelError) {
    var config = try EncoderConfig(directory: directory)
    var keepsHead = true
    if let labels {
      keepsHead =
        labels == config.labels
        || (labels.count == config.labels.count && config.labels == labels.indices.map { "LABEL_\($0)" })
      config.labels = labels
      try config.check(file: "the new labels")
    }
    let reader: CheckpointReader
    do throws(FormatError) { reader = try CheckpointReader(directory: directory) } catch {
      throw .format(error)
    }
    let names = config.architecture.names
    let source = try CheckpointSource(reader, names: names) {
      !keepsHead && $0.hasPrefix(names.headOuter + ".")
    }
    let store = ParameterStore(source: source, seed: seed) {
      $0.hasPrefix(names.headOuter + ".") || $0.hasPrefix(names.headInner + ".")
    }
    try self.init(config: config, store: store, isFresh: false)
  }

  /// Whether the layer that gives the logits started at random because the checkpoint had none for these labels.
  package var startsWithFreshHead: Bool {
    loadReport?.fresh.contains(config.architecture.names.headOuter + ".weight") ?? false
  }

  /// Writes `config.json`, `model.safetensors` and the tokenizer's files as `transformers` reads them with
  /// `from_pretrained`.
  ///
  /// - Parameters:
  ///   - directory: The model directory; made when it does not exist.
  ///   - tokenizer: The tokenizer to store with the model; nil stores none.
  /// - Throws: `ModelError.format` or `.tokenizer` when a file cannot be written.
  public func save(to directory: URL, tokenizer: (any Tokenizer)? = nil) throws(ModelError) {
    do {
      try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    } catch {
      throw .format(.cannotWrite(file: directory.path, reason: error.localizedDescription))
    }
    var writer = SafetensorsWriter()
    for parameter in parameters {
      let storage = parameter.storage
      writer.add(
        parameter.name, shape: parameter.shape.dimensions, values: storage.pointer, count: storage.count,
        owner: storage)
    }
    do throws(FormatError) {
      try writer.write(to: directory.appending(path: "model.safetensors"))
      try config.json.write(to: directory.appending(path: "config.json"))
    } catch {
      throw .format(error)
    }
    guard let tokenizer else { return }
    do throws(TokenizerError) { try tokenizer.save(to: directory) } catch { throw .tokenizer(error) }
  }
}
