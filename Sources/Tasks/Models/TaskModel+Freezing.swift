public import Encoders
import ModelFormats
import Tensors
public import Training

extension TaskModel {
  /// Makes the model ready to be trained as settings say: frozen parts, matrices that compute as 8-bit integers, and the type that it is
  /// saved in.
  ///
  /// - Throws: `TrainingError.configuration` for what the model does not have, and for a value beyond the type's range.
  public func prepare(as settings: TrainingConfig) throws(TrainingError) {
    try freeze(as: settings)
    do throws(ModelError) { try choose(settings.saveDType) } catch {
      throw .configuration([Fault("save_dtype", "is \(settings.saveDType.rawValue), but \(error)")])
    }
    guard settings.quantizationAware else { return }
    do throws(ModelError) { try simulateInt8() } catch {
      throw .configuration([Fault("quantization_aware", "is true, but \(error)")])
    }
  }

  /// Freezes the embeddings and layers that settings name: a pass takes their weights as constants, so nothing below the
  /// lowest trainable layer is computed backwards, and they have no gradient and no state of an optimizer.
  ///
  /// Dropout stays as it is, as where `requires_grad` is off in PyTorch.
  /// - Throws: `TrainingError.configuration` for a layer that the encoder does not have.
  public func freeze(as settings: TrainingConfig) throws(TrainingError) {
    let layers = config.layerCount
    if let frozen = settings.frozenLayers, frozen.last >= layers {
      throw .configuration([
        Fault(
          "freeze_layers",
          "is \(frozen.text), but the encoder has \(layers) layer\(layers == 1 ? "" : "s"); expected at most \(layers), or "
            + "numbers from 0 to \(layers - 1)")
      ])
    }
    for parameter in parameters where part(of: parameter).isFrozen(by: settings) {
      parameter.isTrainable = false
    }
  }

  /// The part of the model that a parameter belongs to, by its distance from the answer.
  private func part(of parameter: Parameter) -> ModelPart {
    let depth = config.layerCount + 2 - parameter.distance
    return depth <= 0 ? .embeddings : depth <= config.layerCount ? .layer(depth - 1) : .head
  }

  /// The parts that settings freeze, as the plan of a run says it; nil where they freeze none.
  package func frozenParts(by settings: TrainingConfig) -> String? {
    let (frozen, all) = (parameters.filter { !$0.isTrainable }, parameters)
    let parts =
      (settings.freezesEmbeddings ? ["embeddings"] : [])
      + (settings.frozenLayers.map { frozen in
        let names = frozen.ranges.map {
          $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)–\($0.upperBound)"
        }
        return [
          "layer\(frozen.ranges.count == 1 && frozen.ranges[0].count == 1 ? "" : "s") "
            + names.joined(separator: ", ")
        ]
      } ?? [])
    if parts.isEmpty { return nil }
    func count(_ some: [Parameter]) -> String { grouped(some.reduce(0) { $0 + $1.count }) }
    return parts.joined(separator: ", ") + ": \(count(frozen)) of \(count(all)) parameters"
  }
}

/// Part of a model, from the texts up.
private enum ModelPart {
  /// Everything before the first layer.
  case embeddings
  /// A layer, counted from 0.
  case layer(Int)
  /// Everything behind the last layer.
  case head

  /// Whether settings freeze it.
  func isFrozen(by settings: TrainingConfig) -> Bool {
    switch self {
    case .embeddings: settings.freezesEmbeddings
    case .layer(let index): settings.frozenLayers?.contains(index) ?? false
    case .head: false
    }
  }
}
