import Cluster
import Foundation
import Kernels
import ModelFormats
import Tensors

extension Optimizer {
  /// Writes the state as `<parameter>.exp_avg`, `<parameter>.exp_avg_sq` (or what else the rule keeps) and
  /// `<parameter>.step`.
  ///
  /// A parameter that never had a gradient has no entry. Where ranks share the states, rank 0 calls this while the others call
  /// `handStates()`, from whom each tensor comes when it is written.
  /// - Throws: `FormatError.cannotWrite`.
  public func save(to url: URL) throws(FormatError) {
    var writer = SafetensorsWriter()
    for (index, entry) in entries.enumerated() where entry.state.steps > 0 {
      let name = entry.parameter.name
      // Split in two, as Float32 counts exactly only up to 2^24.
      let steps = entry.state.steps
      writer.add(name + ".step", shape: [2], values: [Float(steps >> 20), Float(steps & 0xF_FFFF)])
      for (place, state) in config.rule.states(of: entry.parameter.shape).enumerated() {
        let full = "\(name).\(state.name)"
        if let shares {
          writer.add(full, shape: state.shape.dimensions) {
            shares.state(of: index, count: state.shape.count, own: entry.state.tensors.dropFirst(place).first)
          }
        } else {
          writer.add(full, shape: state.shape.dimensions, values: entry.state.tensors[place])
        }
      }
    }
    writer.metadata["optimizer"] = type(of: config.rule).stateName
    try writer.write(to: url)
  }

  /// Hands this rank's part of the states to rank 0, which saves them, in the order in which it writes them.
  func handStates() {
    guard let shares else { return }
    var tensors: [(name: String, index: Int, count: Int, own: Storage?)] = []
    for (index, entry) in entries.enumerated() where entry.state.steps > 0 {
      for (place, state) in config.rule.states(of: entry.parameter.shape).enumerated() {
        tensors.append(
          (
            "\(entry.parameter.name).\(state.name)", index, state.shape.count,
            entry.state.tensors.dropFirst(place).first
          ))
      }
    }
    for tensor in tensors.sorted(by: { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }) {
      _ = shares.state(of: tensor.index, count: tensor.count, own: tensor.own)
    }
  }

  /// Whether two numbers are the parts of a count that `save` writes, of which the first counts 2^20 each.
  private static func areSteps(_ parts: [Float]) -> Bool {
    parts.allSatisfy { $0 >= 0 && $0 < 0x1p24 && $0 == $0.rounded() } && parts[1] < 0x1p20
  }

  /// Reads a state that `save` wrote for the same parameters.
  ///
  /// - Throws: `TrainingError.checkpoint` naming the file and every tensor that is missing, unexpected or mis-shaped.
  public func load(from url: URL) throws(TrainingError) {
    do {
      let file = try SafetensorsFile(path: url.path)
      var expected: Set<String> = []
      var problems: [String] = []
      for entry in entries {
        let name = entry.parameter.name
        guard file[name + ".step"] != nil else {
          entry.state.steps = 0
          entry.state.tensors = []
          entry.state.usedRows = nil
          continue
        }
        let steps = try file.floats(name + ".step")
        expected.insert(name + ".step")
        guard steps.count == 2 else {
          problems.append("\(name).step has \(steps.count) values, expected 2")
          continue
        }
        guard Self.areSteps(steps) else {
          problems.append("\(name).step is \(steps), expected a number of updates in two parts")
          continue
        }
        entry.state.steps = Int(steps[0]) << 20 + Int(steps[1])
        entry.state.tensors = []
        entry.state.usedRows = nil
        for (suffix, shape) in config.rule.states(of: entry.parameter.shape) {
          let full = "\(name).\(suffix)"
          expected.insert(full)
          guard let info = file[full] else {
            problems.append("\(full) is missing")
            continue
          }
          guard info.shape == shape.dimensions else {
            problems.append("\(full) has shape \(info.shape), expected \(shape)")
            continue
          }
          let storage = Storage(uninitialized: shape.count, lasting: true)
          try file.readFloats(info, into: storage)
          entry.state.tensors.append(storage)
        }
      }
      problems += file.tensors.map(\.name).filter { !expected.contains($0) }.map {
        "\($0) belongs to no parameter"
      }
      guard problems.isEmpty else {
        throw TrainingError.checkpoint(
          path: url.path,
          problem: "the optimizer state does not fit this run: " + problems.prefix(6).joined(separator: "; ")
            + (problems.count > 6 ? "; and \(problems.count - 6) more" : "")
            + ". Resume with the model, losses and optimizer the checkpoint was made with.")
      }
    } catch let error as TrainingError {
      throw error
    } catch {
      throw .checkpoint(path: url.path, problem: "\(error)")
    }
  }

  /// Takes over values and state from rank 0, so that all ranks go on from the same.
  func takeFirst(of ranks: any Communicator) {
    if ranks.size == 1 { return }
    takeFirstValues(of: ranks)
    let steps = ranks.first(entries.map { Double($0.state.steps) })
    for (index, steps) in steps.enumerated() where steps > 0 {
      let entry = entries[index]
      let isOwn = shares?.isOwn(index) ?? true
      let loaded = entry.state.tensors
      entry.state.steps = Int(steps)
      entry.state.usedRows = nil
      entry.state.tensors = []
      for (place, state) in config.rule.states(of: entry.parameter.shape).enumerated() {
        let tensor =
          ranks.isFirst ? loaded[place] : Storage(uninitialized: state.shape.count, lasting: isOwn)
        ranks.broadcast(tensor)
        if isOwn { entry.state.tensors.append(tensor) }
      }
    }
  }

  /// Takes over the parameters' values from rank 0.
  func takeFirstValues(of ranks: any Communicator) {
    for entry in entries { ranks.broadcast(entry.parameter.storage) }
  }
}
