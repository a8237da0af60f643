import Tensors

/// Tensors made in memory as the source of a model's parameters, which take them over.
struct NamedTensors: ParameterSource {
  let path: String
  private let tensors: [String: Tensor]

  /// - Parameters:
  ///   - tensors: By canonical name; nothing else may use their storage.
  ///   - path: What errors call the source.
  init(_ tensors: [String: Tensor], path: String) {
    (self.tensors, self.path) = (tensors, path)
  }

  var names: [String] { Array(tensors.keys) }

  func shape(of name: String) -> Shape? { tensors[name]?.shape }

  func tensor(_ name: String) throws(ModelError) -> Tensor {
    guard let tensor = tensors[name] else {
      preconditionFailure("tensor(_:) is only asked for names that shape(of:) knows, not \(name).")
    }
    return tensor
  }
}
