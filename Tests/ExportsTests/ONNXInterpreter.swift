import Foundation

/// Runs a graph that was read back from its file, operator by operator as ONNX defines them, in double precision.
struct ONNXInterpreter {
  let model: ONNXReader

  /// The outputs for some inputs, by name.
  func run(_ inputs: [String: NDArray]) throws -> [String: NDArray] {
    var values = inputs
    for tensor in model.tensors { values[tensor.name] = tensor.values }
    for node in model.nodes {
      let operands = try node.inputs.map { name -> NDArray in
        guard let value = values[name] else {
          throw ONNXReader.Failure("\(node.name) reads \(name), which nothing computes before")
        }
        return value
      }
      let results =
        node.operation == "DynamicQuantizeLinear"
        ? try Self.quantized(operands[0]) : [try result(of: node, operands)]
      guard node.outputs.count == results.count, node.outputs.allSatisfy({ values[$0] == nil }) else {
        throw ONNXReader.Failure("\(node.name) gives \(node.outputs)")
      }
      for (name, value) in zip(node.outputs, results) { values[name] = value }
    }
    return Dictionary(
      uniqueKeysWithValues: try model.outputs.map { port in
        guard let value = values[port.name] else { throw ONNXReader.Failure("no output \(port.name)") }
        return (port.name, value)
      })
  }

  private func result(of node: ONNXReader.Node, _ x: [NDArray]) throws -> NDArray {
    func integer(_ name: String) throws -> Int {
      guard let value = node.attributes[name]?.integer, node.attributes[name]?.type == 2 else {
        throw ONNXReader.Failure("\(node.name) has no number \(name)")
      }
      return value
    }
    func integers(_ name: String) throws -> [Int] {
      guard let attribute = node.attributes[name], attribute.type == 7 else {
        throw ONNXReader.Failure("\(node.name) has no list \(name)")
      }
      return attribute.integers
    }
    func list(_ operand: Int) -> [Int] { x[operand].values.map { Int($0) } }
    switch node.operation {
    case "Add": return x[0].combined(x[1], +)
    case "Sub": return x[0].combined(x[1], -)
    case "Mul": return x[0].combined(x[1], *)
    case "Div": return x[0].combined(x[1], /)
    case "Pow": return x[0].combined(x[1], pow)
    case "Max": return x[0].combined(x[1], max)
    case "Equal": return x[0].combined(x[1]) { $0 == $1 ? 1 : 0 }
    case "Not": return x[0].map { 1 - $0 }
    case "Where":
      let shape = NDArray.broadcast(NDArray.broadcast(x[0].shape, x[1].shape), x[2].shape)
      return NDArray(shape) { x[0][$0] != 0 ? x[1][$0] : x[2][$0] }
    case "Cast": return try integer("to") == 9 ? x[0].map { $0 == 0 ? 0 : 1 } : x[0]
    case "Tanh": return x[0].map { tanh($0) }
    case "Erf": return x[0].map { erf($0) }
    case "Relu": return x[0].map { max($0, 0) }
    case "Sigmoid": return x[0].map(Self.sigmoid)
    case "Softplus": return x[0].map { log1p(exp($0)) }
    case "Softmax":
      guard try integer("axis") == -1 else { throw ONNXReader.Failure("\(node.name): another axis") }
      return x[0].mapRows { row in
        let largest = row.max() ?? 0
        let powers = row.map { exp($0 - largest) }
        let sum = powers.reduce(0, +)
        return powers.map { $0 / sum }
      }
    case "LayerNormalization":
      guard try integer("axis") == -1, let epsilon = node.attributes["epsilon"]?.float else {
        throw ONNXReader.Failure("\(node.name): axis or epsilon")
      }
      return x[0].mapRows { row in
        let mean = row.reduce(0, +) / Double(row.count)
        let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(row.count)
        return row.enumerated().map {
          ($1 - mean) / (variance + Double(epsilon)).squareRoot() * x[1].values[$0] + x[2].values[$0]
        }
      }
    case "MatMul": return x[0].product(x[1])
    case "MatMulInteger":
      guard x.count == 4, x[2].shape.isEmpty, x[3].shape.isEmpty,
        (x[0].values + x[1].values).allSatisfy({ $0 == $0.rounded() })
      else { throw ONNXReader.Failure("\(node.name) multiplies what are no integers") }
      let zeros = (x[2].values[0], x[3].values[0])
      return x[0].map { $0 - zeros.0 }.product(x[1].map { $0 - zeros.1 })
    case "Gather":
      let axis = try integer("axis")
      var shape = x[0].shape
      shape.replaceSubrange(axis...axis, with: x[1].shape)
      return NDArray(shape) { place in
        var source = place
        let index = x[1][Array(place[axis..<(axis + x[1].shape.count)])]
        source.replaceSubrange(axis..<(axis + x[1].shape.count), with: [Int(index)])
        return x[0][source]
      }
    case "Transpose": return x[0].transposed(try integers("perm"))
    case "Reshape": return x[0].reshaped(list(1))
    case "Unsqueeze":
      var shape = x[0].shape
      for axis in list(1) { shape.insert(1, at: axis) }
      return NDArray(shape, x[0].values)
    case "Squeeze":
      var shape = x[0].shape
      for axis in list(1).reversed() { shape.remove(at: axis) }
      return NDArray(shape, x[0].values)
    case "Shape":
      let extents = x[0].shape[(try integer("start"))..<(try integer("end"))]
      return NDArray([extents.count], extents.map { Double($0) })
    case "Range":
      let numbers = stride(from: x[0].values[0], to: x[1].values[0], by: x[2].values[0]).map { $0 }
      return NDArray([numbers.count], numbers)
    case "Concat":
      let axis = try integer("axis")
      var shape = x[0].shape
      shape[axis] = x.reduce(0) { $0 + $1.shape[axis] }
      return NDArray(shape) { place in
        var (place, rest) = (place, place[axis])
        for part in x {
          place[axis] = rest
          if rest < part.shape[axis] { return part[place] }
          rest -= part.shape[axis]
        }
        return .nan
      }
    case "ReduceSum":
      return x[0].reduced(list(1)[0], keepsAxis: try integer("keepdims") == 1) { $0.reduce(0, +) }
    case "ReduceMax":
      return x[0].reduced(try integers("axes")[0], keepsAxis: try integer("keepdims") == 1) {
        $0.max() ?? .nan
      }
    case "CumSum":
      let axis = list(1)[0]
      return NDArray(x[0].shape) { place in
        (0...place[axis]).reduce(0) { sum, index in
          sum + x[0][place.enumerated().map { $0 == axis ? index : $1 }]
        }
      }
    case "Conv": return convolution(x, pads: try integers("pads"))
    case "GRU", "LSTM": return try recurrent(node, x)
    default: throw ONNXReader.Failure("\(node.name): no operator \(node.operation) is known here")
    }
  }

  /// Unsigned 8-bit integers with scale and zero of the whole range, in Float32 as the operator has it.
  private static func quantized(_ x: NDArray) throws -> [NDArray] {
    let values = x.values.map { Float($0) }
    let (low, high) = (min(values.min() ?? 0, 0), max(values.max() ?? 0, 0))
    let scale = (high - low) / 255
    guard scale > 0 else { throw ONNXReader.Failure("rows without a range") }
    func byte(_ value: Float) -> Double { Double(min(max(value.rounded(.toNearestOrEven), 0), 255)) }
    let zero = byte(-low / scale)
    let integers = values.map { byte(($0 / scale).rounded(.toNearestOrEven) + Float(zero)) }
    return [NDArray(x.shape, integers), NDArray([], [Double(scale)]), NDArray([], [zero])]
  }

  private static func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

  private func convolution(_ x: [NDArray], pads: [Int]) -> NDArray {
    let (input, weight) = (x[0], x[1])
    let (positions, width) = (input.shape[2], weight.shape[2])
    return NDArray([input.shape[0], weight.shape[0], positions + pads[0] + pads[1] - width + 1]) { place in
      var sum = x[2].values[place[1]]
      for channel in 0..<weight.shape[1] {
        for tap in 0..<width {
          let position = place[2] + tap - pads[0]
          guard (0..<positions).contains(position) else { continue }
          sum += input[[place[0], channel, position]] * weight[[place[1], channel, tap]]
        }
      }
      return sum
    }
  }

  /// The states of a recurrent layer, [positions, 2, batch, hidden]; 0 behind the end of a sequence.
  private func recurrent(_ node: ONNXReader.Node, _ x: [NDArray]) throws -> NDArray {
    guard node.attributes["direction"]?.text == "bidirectional",
      let size = node.attributes["hidden_size"]?.integer,
      node.operation == "LSTM" || node.attributes["linear_before_reset"]?.integer == 1
    else { throw ONNXReader.Failure("\(node.name): \(node.attributes)") }
    let (input, gates) = (x[0], node.operation == "GRU" ? 3 : 4)
    let (positions, batch, features) = (input.shape[0], input.shape[1], input.shape[2])
    var states = [Double](repeating: 0, count: positions * 2 * batch * size)
    for direction in 0..<2 {
      for sequence in 0..<batch {
        let length = Int(x[4].values[sequence])
        var (state, cell) = ([Double](repeating: 0, count: size), [Double](repeating: 0, count: size))
        for position in direction == 0 ? Array(0..<length) : (0..<length).reversed() {
          func fromInput(_ gate: Int, _ unit: Int) -> Double {
            let row = gate * size + unit
            return (0..<features).reduce(x[3][[direction, row]]) {
              $0 + input[[position, sequence, $1]] * x[1][[direction, row, $1]]
            }
          }
          func fromState(_ gate: Int, _ unit: Int) -> Double {
            let row = gate * size + unit
            return (0..<size).reduce(x[3][[direction, gates * size + row]]) {
              $0 + state[$1] * x[2][[direction, row, $1]]
            }
          }
          func gate(_ gate: Int, _ unit: Int) -> Double {
            Self.sigmoid(fromInput(gate, unit) + fromState(gate, unit))
          }
          var next = state
          for unit in 0..<size {
            if node.operation == "GRU" {
              // z, r, h.
              let update = gate(0, unit)
              let fresh = tanh(fromInput(2, unit) + gate(1, unit) * fromState(2, unit))
              next[unit] = (1 - update) * fresh + update * state[unit]
            } else {
              // i, o, f, c.
              cell[unit] =
                gate(2, unit) * cell[unit] + gate(0, unit) * tanh(fromInput(3, unit) + fromState(3, unit))
              next[unit] = gate(1, unit) * tanh(cell[unit])
            }
          }
          state = next
          for unit in 0..<size {
            states[((position * 2 + direction) * batch + sequence) * size + unit] = state[unit]
          }
        }
      }
    }
    return NDArray([positions, 2, batch, size], states)
  }
}
