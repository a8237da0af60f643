import Kernels
import Tensors

/// A teacher's parameters under the names they have in a student made of some of its layers.
struct LayerCopy: ParameterSource {
  let path = "the teacher"
  private let parameters: [String: Parameter]
  /// The names in the order in which the teacher has them.
  let names: [String]

  /// - Parameters:
  ///   - teacher: The teacher, which keeps its own values.
  ///   - layers: The teacher's layers, counted from 0, in the student's order.
  init(of teacher: TaskModel, layers: [Int]) {
    let family = teacher.config.family
    var parameters: [(name: String, parameter: Parameter)] = []
    for parameter in teacher.parameters {
      guard let (source, part) = family.layerPart(of: parameter.name) else {
        parameters.append((parameter.name, parameter))
        continue
      }
      for (target, layer) in layers.enumerated() where source == layer {
        parameters.append(("\(family.layerPrefix)\(target).\(part)", parameter))
      }
    }
    names = parameters.map(\.name)
    self.parameters = Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, $0.parameter) })
  }

  func shape(of name: String) -> Shape? { parameters[name]?.shape }

  func tensor(_ name: String) throws(ModelError) -> Tensor {
    let parameter = parameter(name)
    return Tensor(storage: parameter.storage.copy(), shape: parameter.shape)
  }

  /// The part of a matrix's squared magnitude that lies in each row (axis 0) or column (axis 1).
  func shares(of name: String, axis: Int) -> [Double] {
    let matrix = parameter(name)
    let (values, columns) = (matrix.values, matrix.shape[1])
    var sums = [Double](repeating: 0, count: matrix.shape[axis])
    for row in 0..<matrix.shape[0] {
      for column in 0..<columns {
        let value = Double(values[row * columns + column])
        sums[axis == 0 ? row : column] += value * value
      }
    }
    let total = sums.reduce(0, +)
    return total > 0 ? sums.map { $0 / total } : sums
  }

  private func parameter(_ name: String) -> Parameter {
    guard let parameter = parameters[name] else {
      preconditionFailure("A copy of layers is only asked for names that it has, not \(name).")
    }
    return parameter
  }
}

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
