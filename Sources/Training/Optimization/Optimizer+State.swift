import Cluster
import Foundation
import Kernels
import ModelFormats
import Tensors

extension Optimizer {
  /// Writes the state as `<parameter>.exp_avg`, `<parameter>.exp_avg_sq` (or what else the rule keeps) and
  /// `<parameter>.step`.
  ///
  /// A parameter that never had a gradient has no entry.
  /// - Throws: `FormatError.cannotWrite`.
  public func save(to url: URL) throws(FormatError) {
    var writer = SafetensorsWriter()
    for entry in entries where entry.state.steps > 0 {
      let name = entry.parameter.name
      // Split in two, as Float32 counts exactly only up to 2^24.
      let steps = entry.state.steps
      writer.add(name + ".step", shape: [2], values: [Float(steps >> 20), Float(steps & 0xF_FFFF)])
      for (state, tensor) in zip(config.rule.states(of: entry.parameter.shape), entry.state.tensors) {
        writer.add("\(name).\(state.name)", shape: state.shape.dimensions, values: tensor)
      }
    }
    writer.metadata["optimizer"] = type(of: config.rule).stateName
    try writer.write(to: url)
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
    for (entry, steps) in zip(entries, steps) where steps > 0 {
      entry.state.steps = Int(steps)
      if !ranks.isFirst {
        entry.state.usedRows = nil
        entry.state.tensors = config.rule.states(of: entry.parameter.shape).map {
          Storage(uninitialized: $0.shape.count, lasting: true)
        }
      }
      for tensor in entry.state.tensors { ranks.broadcast(tensor) }
    }
  }

  /// Takes over the parameters' values from rank 0.
  func takeFirstValues(of ranks: any Communicator) {
    for entry in entries { ranks.broadcast(entry.parameter.storage) }
  }
}
