public import Foundation
import Kernels
import ModelFormats
import Tensors

/// The folder in which a run keeps its checkpoints, each a folder `checkpoint-<step>`.
///
/// A checkpoint holds the model as its own directory format (`model.safetensors`, configuration, tokenizer) in Float32, the other
/// parameters, such as projections, in `auxiliary.safetensors`, `optimizer.safetensors`, `trainer_state.json`, and in
/// `checkpoint.json` which run it belongs to, with a checksum of each file. It is written under another name and renamed,
/// and renamed before it is removed, so a checkpoint that exists is complete.
public struct CheckpointFolder {
  /// The run folder.
  public let directory: URL
  /// Origin of the run, by which a checkpoint is known as its own.
  public let origin: RunOrigin
  /// Writes the model into an existing folder, as its export would be.
  public let saveModel: (URL) throws -> Void

  /// Checkpoints under `directory`, which is made when the first one is written.
  ///
  /// - Parameters:
  ///   - directory: The run folder.
  ///   - origin: What the run starts from: fingerprints of teachers and validation rows, further settings.
  ///   - saveModel: Writes at least `model.safetensors` into the folder it is given, in Float32; parameters that
  ///     it leaves out are kept beside it. Leave it out to keep every parameter in `auxiliary.safetensors`.
  public init(
    _ directory: URL, origin: RunOrigin = RunOrigin(), saveModel: @escaping (URL) throws -> Void = { _ in }
  ) {
    self.directory = directory
    self.origin = origin
    self.saveModel = saveModel
  }

  /// Makes sure that the disk has room for the trained parameters, before hours go into them.
  ///
  /// - Throws: `TrainingError.runFolder`.
  func checkRoom(for parameters: [Parameter]) throws(TrainingError) {
    let size = parameters.reduce(0) { $0 + 4 * $1.count }
    guard let free = DiskSpace.free(at: directory), free < size else { return }
    throw .runFolder(
      path: directory.path,
      problem: String(
        format:
          "the model takes %.1f MB, more than what is free there (%.1f MB); make room, or choose another folder",
        Double(size) / 1e6, Double(free) / 1e6))
  }

  /// The finished checkpoints in a run folder, oldest first.
  public static func checkpoints(in directory: URL) -> [(step: Int, url: URL)] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
    return names.compactMap { name in
      step(of: name).map { ($0, directory.appending(path: name)) }
    }.sorted { $0.step < $1.step }
  }

  private static func step(of name: String) -> Int? {
    Int(name.dropFirst("checkpoint-".count)).flatMap { name == Self.name(step: $0) ? $0 : nil }
  }

  /// Whether a name is one of a checkpoint.
  package static func isName(_ name: String) -> Bool { step(of: name) != nil }

  /// The newest finished checkpoint of a run folder, of whichever run, nil when there is none.
  public static func latest(in directory: URL) -> URL? { checkpoints(in: directory).last?.url }

  static func name(step: Int) -> String { "checkpoint-\(step)" }

  /// Writes a checkpoint, replacing one of that name.
  ///
  /// - Parameters:
  ///   - place: The step, and where it stands in the data.
  ///   - identity: The run.
  ///   - state: What `trainer_state.json` says.
  ///   - optimizer: Its state and its parameters.
  ///   - stateParameters: Parameters that the optimizer does not change.
  ///   - best: The best weights so far where no other checkpoint holds them.
  func write(
    _ place: DataPlace, of identity: RunIdentity, state: JSONValue, optimizer: Optimizer,
    stateParameters: [Parameter],
    best: [Parameter] = []
  ) throws {
    let target = directory.appending(path: Self.name(step: place.step))
    do {
      try AtomicFolder.write(target) { folder in
        try saveModel(folder)
        try Self.write(
          try missing(optimizer.parameters + stateParameters, in: folder),
          to: folder.appending(path: Self.auxiliaryFile))
        try Self.write(best, to: folder.appending(path: Self.bestFile))
        try optimizer.save(to: folder.appending(path: Self.optimizerFile))
        try state.write(to: folder.appending(path: TrainerState.fileName))
        let manifest = try CheckpointManifest(of: folder, identity: identity, place: place)
        try manifest.json.write(to: folder.appending(path: CheckpointManifest.fileName))
      }
    } catch {
      throw TrainingError.checkpoint(path: target.path, problem: "it could not be written: \(error)")
    }
  }

  /// The best weights that a checkpoint keeps beside its own; nil where it keeps none.
  func bestWeights(of parameters: [Parameter], in checkpoint: URL) throws(TrainingError) -> [Tensor]? {
    let url = checkpoint.appending(path: Self.bestFile)
    guard FileManager.default.fileExists(atPath: url.path) else { return nil }
    return try weights(of: parameters, in: checkpoint, files: [Self.bestFile])
  }

  /// The values that a checkpoint has for some parameters, which keep their own.
  func weights(of parameters: [Parameter], in checkpoint: URL) throws(TrainingError) -> [Tensor] {
    try weights(of: parameters, in: checkpoint, files: [Self.modelFile, Self.auxiliaryFile])
  }

  private func weights(
    of parameters: [Parameter], in checkpoint: URL, files names: [String]
  ) throws(TrainingError) -> [Tensor] {
    let copies = parameters.map {
      Parameter(name: $0.name, value: Tensor(storage: Storage(uninitialized: $0.count), shape: $0.shape))
    }
    try restore(copies, from: checkpoint, files: names)
    return copies.map(\.detached)
  }

  /// Reads the parameters' values from a checkpoint.
  func restore(_ parameters: [Parameter], from checkpoint: URL) throws(TrainingError) {
    try restore(parameters, from: checkpoint, files: [Self.modelFile, Self.auxiliaryFile])
  }

  private func restore(
    _ parameters: [Parameter], from checkpoint: URL, files names: [String]
  ) throws(TrainingError) {
    do {
      let files = try Self.weightFiles(of: checkpoint, names)
      guard !files.isEmpty else {
        throw TrainingError.checkpoint(
          path: checkpoint.path,
          problem: FileManager.default.fileExists(atPath: checkpoint.path)
            ? "it holds no \(Self.modelFile), so it is no whole checkpoint"
            : "it is not there (any more); was the run folder removed or renamed under the run?")
      }
      var problems: [String] = []
      for parameter in parameters {
        guard let file = files.first(where: { $0[parameter.name] != nil }), let info = file[parameter.name]
        else {
          problems.append("\(parameter.name) is missing")
          continue
        }
        guard info.shape == parameter.shape.dimensions else {
          problems.append("\(parameter.name) has shape \(info.shape), expected \(parameter.shape)")
          continue
        }
        let values = Storage(uninitialized: parameter.count)
        try file.readFloats(info, into: values)
        parameter.assign(Tensor(storage: values, shape: parameter.shape))
      }
      guard problems.isEmpty else {
        throw TrainingError.checkpoint(
          path: checkpoint.path,
          problem: "the weights do not fit this run: " + problems.prefix(6).joined(separator: "; ")
            + (problems.count > 6 ? "; and \(problems.count - 6) more" : ""))
      }
    } catch let error as TrainingError {
      throw error
    } catch {
      throw .checkpoint(path: checkpoint.path, problem: "\(error)")
    }
  }

  /// Removes the oldest checkpoints beyond the newest `limit`, but never the one named `best`.
  ///
  /// Checkpoints beyond `step` belong to an earlier run in the same folder; they are neither counted nor touched.
  func prune(keeping limit: Int?, upTo step: Int, best: String?) throws {
    guard let limit else { return }
    let old = Self.checkpoints(in: directory).filter { $0.step <= step }.dropLast(max(1, limit))
    for checkpoint in old where checkpoint.url.lastPathComponent != best {
      do { try TemporaryName.remove(checkpoint.url) } catch {
        throw TrainingError.checkpoint(
          path: checkpoint.url.path, problem: "it could not be removed: \(error)")
      }
    }
  }

  package static let optimizerFile = "optimizer.safetensors"
  private static let modelFile = "model.safetensors"
  private static let auxiliaryFile = "auxiliary.safetensors"
  private static let bestFile = "best.safetensors"

  /// The parameters that `saveModel` did not write.
  private func missing(_ parameters: [Parameter], in folder: URL) throws(FormatError) -> [Parameter] {
    let model = try Self.weightFiles(of: folder)
    return parameters.filter { parameter in model.allSatisfy { $0[parameter.name] == nil } }
  }

  private static func write(_ parameters: [Parameter], to url: URL) throws(FormatError) {
    guard !parameters.isEmpty else { return }
    var writer = SafetensorsWriter()
    for parameter in parameters {
      writer.add(parameter.name, shape: parameter.shape.dimensions, values: parameter.storage)
    }
    try writer.write(to: url)
  }

  private static func weightFiles(
    of folder: URL, _ names: [String] = [modelFile, auxiliaryFile]
  ) throws(FormatError) -> [SafetensorsFile] {
    var files: [SafetensorsFile] = []
    for name in names {
      let path = folder.appending(path: name).path
      if FileManager.default.fileExists(atPath: path) { files.append(try SafetensorsFile(path: path)) }
    }
    return files
  }
}
