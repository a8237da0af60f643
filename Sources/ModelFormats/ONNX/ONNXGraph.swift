package import Kernels

/// Graph of a model in the Open Neural Network Exchange format, built node by node (onnx/onnx, `docs/IR.md`).
///
/// A node that is asked for twice, with the same operands and attributes, is there once, and so is a constant: what several
/// layers need they may each write down where they need it.
package final class ONNXGraph {
  /// Version of the operators that the nodes are of; LayerNormalization is there from 17 on, and ONNX Runtime 1.12 reads it.
  package static let operatorSet = 17
  /// Version of the format that came with these operators.
  package static let formatVersion = 8

  /// Value in a graph: an input, a constant, or the result of a node.
  package struct Value: Hashable, Sendable {
    let name: String
  }

  /// Extent of an input or output along an axis.
  package enum Extent: Hashable, Sendable {
    /// The same number always.
    case fixed(Int)
    /// A number that each call chooses, the same wherever the name stands.
    case named(String)
  }

  /// Type of the elements of a value, by its number in `TensorProto.DataType`.
  package enum ElementType: Int, Hashable, Sendable {
    case float = 1
    case uint8 = 2
    case int8 = 3
    case int32 = 6
    case int64 = 7
    case bool = 9

    /// The bytes of an element.
    var width: Int {
      switch self {
      case .uint8, .int8, .bool: 1
      case .float, .int32: 4
      case .int64: 8
      }
    }
  }

  /// Attribute of a node.
  package enum Attribute: Hashable, Sendable {
    case float(Float)
    case integer(Int)
    case integers([Int])
    case string(String)
  }

  /// Input or output of the graph.
  struct Port {
    /// Name outside.
    let name: String
    let value: Value
    let type: ElementType
    let shape: [Extent]
  }

  /// Operation on values.
  struct Node: Hashable {
    let operation: String
    /// Operands; nil stands where an optional one is left out.
    let inputs: [Value?]
    let attributes: [String: Attribute]
  }

  /// Constant without a name of its own.
  private struct Constant: Hashable {
    let type: ElementType
    let shape: [Int]
    let bytes: [UInt8]
  }

  private(set) var inputs: [Port] = []
  private(set) var outputs: [Port] = []
  private(set) var tensors: [ONNXTensor] = []
  /// Nodes with their results, in an order in which they can be computed.
  private(set) var nodes: [(node: Node, results: [Value])] = []
  private var results: [Node: [Value]] = [:]
  private var constants: [Constant: Value] = [:]
  private var counts: [String: Int] = [:]
  private var names: Set<String> = []

  /// A graph without nodes.
  package init() {}

  /// Adds an input.
  package func input(_ name: String, _ type: ElementType, _ shape: [Extent]) -> Value {
    let value = Value(name: claim(name))
    inputs.append(Port(name: name, value: value, type: type, shape: shape))
    return value
  }

  /// Makes a value of Float32 an output.
  package func output(_ name: String, _ value: Value, _ shape: [Extent]) {
    precondition(!outputs.contains { $0.name == name }, "Two outputs of a graph are called \(name).")
    precondition(
      !outputs.contains { $0.value == value }, "The output \(name) of a graph has another name already.")
    outputs.append(Port(name: name, value: value, type: .float, shape: shape))
  }

  /// Adds a node, unless there is one that computes the same.
  ///
  /// - Parameters:
  ///   - operation: The operator, such as `MatMul`.
  ///   - inputs: Its operands; nil leaves an optional one out.
  ///   - attributes: Its attributes.
  /// - Returns: The first of its results.
  package func node(
    _ operation: String, _ inputs: [Value?], _ attributes: [String: Attribute] = [:]
  ) -> Value {
    nodes(operation, inputs, attributes, count: 1)[0]
  }

  /// Adds a node that has several results, unless there is one that computes the same.
  func nodes(
    _ operation: String, _ inputs: [Value?], _ attributes: [String: Attribute] = [:], count: Int
  ) -> [Value] {
    let node = Node(operation: operation, inputs: inputs, attributes: attributes)
    if let known = results[node] { return known }
    let name = numbered(operation)
    let values = (0..<count).map { Value(name: $0 == 0 ? name : claim("\(name)_\($0)")) }
    nodes.append((node, values))
    results[node] = values
    return values
  }

  // MARK: Constants

  /// Values under a name, which are read when the file is written; whoever asks for the name again gets the same.
  ///
  /// - Parameters:
  ///   - name: The name, such as that of a parameter.
  ///   - shape: The extents.
  ///   - parts: The values, row-major, one part behind the other.
  package func tensor(_ name: String, shape: [Int], parts: [Storage]) -> Value {
    named(name) { ONNXTensor(name: name, shape: shape, content: .floats(parts)) }
  }

  /// The transpose of a matrix under a name, as above.
  ///
  /// - Parameter shape: The extents of the matrix before, [rows, columns].
  package func transposedTensor(_ name: String, shape: [Int], _ matrix: Storage) -> Value {
    precondition(shape.count == 2, "Only a matrix has a transpose, found the shape \(shape).")
    return named(name) {
      ONNXTensor(
        name: name, shape: [shape[1], shape[0]],
        content: .transposed(matrix, rows: shape[0], columns: shape[1]))
    }
  }

  /// A matrix of 8-bit integers under a name, without its scales.
  package func tensor(_ name: String, _ matrix: QuantizedMatrix) -> Value {
    named(name) {
      ONNXTensor(
        name: name, type: .int8, shape: [matrix.rows, matrix.columns],
        content: .integers(matrix, isTransposed: false))
    }
  }

  /// The transpose of a matrix of 8-bit integers under a name.
  package func transposedTensor(_ name: String, _ matrix: QuantizedMatrix) -> Value {
    named(name) {
      ONNXTensor(
        name: name, type: .int8, shape: [matrix.columns, matrix.rows],
        content: .integers(matrix, isTransposed: true))
    }
  }

  /// A constant zero of a type.
  package func zero(_ type: ElementType) -> Value {
    constant(Constant(type: type, shape: [], bytes: [UInt8](repeating: 0, count: type.width)))
  }

  /// A constant number of Float32.
  package func constant(_ value: Float) -> Value {
    constant(Constant(type: .float, shape: [], bytes: value.bitPattern.littleEndianBytes))
  }

  /// A constant whole number.
  package func integer(_ value: Int) -> Value {
    constant(Constant(type: .int64, shape: [], bytes: Int64(value).littleEndianBytes))
  }

  /// A constant list of whole numbers.
  package func integers(_ values: [Int]) -> Value {
    let bytes = values.flatMap { Int64($0).littleEndianBytes }
    return constant(Constant(type: .int64, shape: [values.count], bytes: bytes))
  }

  private func constant(_ constant: Constant) -> Value {
    if let known = constants[constant] { return known }
    let value = Value(name: numbered("Constant"))
    tensors.append(
      ONNXTensor(
        name: value.name, type: constant.type, shape: constant.shape, content: .bytes(constant.bytes)))
    constants[constant] = value
    return value
  }

  private func named(_ name: String, _ make: () -> ONNXTensor) -> Value {
    if !tensors.contains(where: { $0.name == name }) {
      _ = claim(name)
      tensors.append(make())
    }
    return Value(name: name)
  }

  // MARK: Names

  private func numbered(_ operation: String) -> String {
    let number = counts[operation, default: 0]
    counts[operation] = number + 1
    return claim("\(operation)_\(number)")
  }

  private func claim(_ name: String) -> String {
    precondition(names.insert(name).inserted, "Two values of a graph are called \(name).")
    return name
  }
}
