public import Foundation
import ModelFormats
import Tensors

/// The folder in which a run keeps its checkpoints, each a folder `checkpoint-<step>`.
///
/// A checkpoint holds the model as its own directory format (`model.safetensors`, configuration, tokenizer), the other
/// parameters, such as projections, in `auxiliary.safetensors`, `optimizer.safetensors` and `trainer_state.json`.
/// It is written under another name and renamed, so a checkpoint that exists is complete.
public struct CheckpointFolder {
  /// The run folder.
  public let directory: URL
  /// Writes the model into an existing folder, as its export would be.
  public let saveModel: (URL) throws -> Void

  /// Checkpoints under `directory`, which is made when the first one is written.
  ///
  /// - Parameter saveModel: Writes at least `model.safetensors` into the folder it is given, in Float32; parameters that
  ///   it leaves out are kept beside it. Leave it out to keep every parameter in `auxiliary.safetensors`.
  public init(_ directory: URL, saveModel: @escaping (URL) throws -> Void = { _ in }) {
    self.directory = directory
    self.saveModel = saveModel
  }

  /// The finished checkpoints in a run folder, oldest first.
  public static func checkpoints(in directory: URL) -> [(step: Int, url: URL)] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
    return names.compactMap { name in
      guard name.hasPrefix("checkpoint-"), let step = Int(name.dropFirst("checkpoint-".count)) else {
        return nil
      }
      return (step, directory.appending(path: name))
    }.sorted { $0.step < $1.step }
  }

  /// The newest finished checkpoint of a run folder, nil when there is none.
  public static func latest(in directory: URL) -> URL? { checkpoints(in: directory).last?.url }

  static func name(step: Int) -> String { "checkpoint-\(step)" }

  /// Writes `checkpoint-<step>`, replacing one of that name; `others` are parameters that the optimizer does not change.
  func write(step: Int, state: JSONValue, optimizer: Optimizer, others: [Parameter]) throws {
    let files = FileManager.default
    let target = directory.appending(path: Self.name(step: step))
    let temporary = directory.appending(
      path: ".\(Self.name(step: step)).\(ProcessInfo.processInfo.processIdentifier).tmp")
    do {
      try? files.removeItem(at: temporary)
      try files.createDirectory(at: temporary, withIntermediateDirectories: true)
      try saveModel(temporary)
      try writeAuxiliary(optimizer.parameters + others, to: temporary)
      try optimizer.save(to: temporary.appending(path: Self.optimizerFile))
      try state.write(to: temporary.appending(path: TrainerState.fileName))
      if files.fileExists(atPath: target.path) { try files.removeItem(at: target) }
      try files.moveItem(at: temporary, to: target)
    } catch {
      try? files.removeItem(at: temporary)
      throw TrainingError.checkpoint(path: target.path, problem: "it could not be written: \(error)")
    }
  }

  /// Reads the parameters' values from a checkpoint.
  func restore(_ parameters: [Parameter], from checkpoint: URL) throws(TrainingError) {
    do {
      let files = try Self.weightFiles(of: checkpoint)
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
        try file.readFloats(info, into: values.pointer)
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

  /// Removes what a killed run left half-written.
  func removeLeftovers() {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
    for name in names where name.hasPrefix(".checkpoint-") && name.hasSuffix(".tmp") {
      try? FileManager.default.removeItem(at: directory.appending(path: name))
    }
  }

  /// Whether a checkpoint of that name is there.
  func contains(_ name: String) -> Bool {
    FileManager.default.fileExists(atPath: directory.appending(path: name).path)
  }

  /// Removes the oldest checkpoints beyond the newest `limit`, but never the one named `best`.
  ///
  /// Checkpoints beyond `step` belong to an earlier run in the same folder; they are neither counted nor touched.
  func prune(keeping limit: Int?, upTo step: Int, best: String?) throws {
    guard let limit else { return }
    let old = Self.checkpoints(in: directory).filter { $0.step <= step }.dropLast(max(1, limit))
    for checkpoint in old where checkpoint.url.lastPathComponent != best {
      do { try FileManager.default.removeItem(at: checkpoint.url) } catch {
        throw TrainingError.checkpoint(
          path: checkpoint.url.path, problem: "it could not be removed: \(error)")
      }
    }
  }

  static let optimizerFile = "optimizer.safetensors"
  private static let modelFile = "model.safetensors"
  private static let auxiliaryFile = "auxiliary.safetensors"

  /// Writes the parameters that `saveModel` did not.
  private func writeAuxiliary(_ parameters: [Parameter], to folder: URL) throws(FormatError) {
    let model = try Self.weightFiles(of: folder)
    let others = parameters.filter { parameter in model.allSatisfy { $0[parameter.name] == nil } }
    guard !others.isEmpty else { return }
    var writer = SafetensorsWriter()
    for parameter in others {
      writer.add(
        parameter.name, shape: parameter.shape.dimensions, values: parameter.storage.pointer,
        count: parameter.count, owner: parameter.storage)
    }
    try writer.write(to: folder.appending(path: Self.auxiliaryFile))
  }

  private static func weightFiles(of folder: URL) throws(FormatError) -> [SafetensorsFile] {
    var files: [SafetensorsFile] = []
    for name in [modelFile, auxiliaryFile] {
      let path = folder.appending(path: name).path
      if FileManager.default.fileExists(atPath: path) { files.append(try SafetensorsFile(path: path)) }
    }
    return files
  }
}
