import Kernels
import Tensors

/// A teacher's parameters under the names they have in a student made of some of its layers.
struct LayerCopy: ParameterSource {
  let path = "the teacher"
  private let parameters: [String: Parameter]

  /// - Parameters:
  ///   - teacher: The teacher, which keeps its own values.
  ///   - layers: The teacher's layers, counted from 0, in the student's order.
  init(of teacher: TaskModel, layers: [Int]) {
    let names = teacher.config.architecture.names
    let stem = names.encoder + "." + names.layers + "."
    var parameters: [String: Parameter] = [:]
    for parameter in teacher.parameters {
      guard parameter.name.hasPrefix(stem) else {
        parameters[parameter.name] = parameter
        continue
      }
      let rest = parameter.name.dropFirst(stem.count)
      let index = rest.prefix { $0 != "." }
      for (target, layer) in layers.enumerated() where index == String(layer) {
        parameters[stem + "\(target)" + rest.dropFirst(index.count)] = parameter
      }
    }
    self.parameters = parameters
  }

  var names: [String] { Array(parameters.keys) }

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
