extension ONNXGraph {
  // MARK: Arithmetic, with the axes of the smaller operand repeated

  /// a + b.
  package func add(_ a: Value, _ b: Value) -> Value { node("Add", [a, b]) }
  /// a − b.
  package func subtract(_ a: Value, _ b: Value) -> Value { node("Sub", [a, b]) }
  /// a · b, element by element.
  package func multiply(_ a: Value, _ b: Value) -> Value { node("Mul", [a, b]) }
  /// a / b, element by element.
  package func divide(_ a: Value, _ b: Value) -> Value { node("Div", [a, b]) }
  /// a to the power b.
  package func power(_ a: Value, _ b: Value) -> Value { node("Pow", [a, b]) }
  /// The larger of a and b.
  package func maximum(_ a: Value, _ b: Value) -> Value { node("Max", [a, b]) }
  /// Whether a = b.
  package func equal(_ a: Value, _ b: Value) -> Value { node("Equal", [a, b]) }
  /// Whether not a.
  package func not(_ a: Value) -> Value { node("Not", [a]) }
  /// a where the condition holds, b elsewhere.
  package func choose(_ condition: Value, _ a: Value, _ b: Value) -> Value {
    node("Where", [condition, a, b])
  }

  /// The values as elements of another type.
  package func cast(_ x: Value, to type: ElementType) -> Value {
    node("Cast", [x], ["to": .integer(type.rawValue)])
  }

  // MARK: Functions

  /// The hyperbolic tangent.
  package func tanh(_ x: Value) -> Value { node("Tanh", [x]) }
  /// The error function.
  package func erf(_ x: Value) -> Value { node("Erf", [x]) }
  /// max(x, 0).
  package func relu(_ x: Value) -> Value { node("Relu", [x]) }
  /// The logistic function.
  package func sigmoid(_ x: Value) -> Value { node("Sigmoid", [x]) }
  /// ln(1 + eˣ).
  package func softplus(_ x: Value) -> Value { node("Softplus", [x]) }

  /// The softmax along the last axis.
  package func softmax(_ x: Value) -> Value { node("Softmax", [x], ["axis": .integer(-1)]) }

  /// The normalisation of each row along the last axis, with scale and shift.
  package func layerNormalization(_ x: Value, scale: Value, shift: Value, epsilon: Float) -> Value {
    node("LayerNormalization", [x, scale, shift], ["axis": .integer(-1), "epsilon": .float(epsilon)])
  }

  // MARK: Products

  /// The product of matrices in the last two axes.
  package func matMul(_ a: Value, _ b: Value) -> Value { node("MatMul", [a, b]) }

  /// Rows in unsigned 8-bit integers, with the scale and the zero of the range of all their values: value = scale (integer − zero).
  package func dynamicallyQuantized(_ x: Value) -> (integers: Value, scale: Value, zero: Value) {
    let results = nodes("DynamicQuantizeLinear", [x], count: 3)
    return (results[0], results[1], results[2])
  }

  /// The product of such rows, less their zero, and a matrix of signed 8-bit integers, in 32-bit integers.
  package func integerProduct(_ a: Value, zero: Value, _ b: Value) -> Value {
    node("MatMulInteger", [a, b, zero, self.zero(.int8)])
  }

  /// The convolution of [batch, channels, positions], with so many zeros before and behind it.
  package func convolution(_ x: Value, weight: Value, bias: Value, padding: (before: Int, behind: Int))
    -> Value
  {
    node("Conv", [x, weight, bias], ["pads": .integers([padding.before, padding.behind])])
  }

  /// A recurrent layer in both directions.
  ///
  /// - Parameters:
  ///   - operation: `GRU` or `LSTM`.
  ///   - x: The input, [positions, batch, features].
  ///   - inputs: Weights of the input, [2, gates · hidden, features].
  ///   - hidden: Weights of the state, [2, gates · hidden, hidden].
  ///   - bias: Shifts of both, one behind the other, [2, 2 · gates · hidden].
  ///   - lengths: The positions of each sequence, Int32, [batch].
  ///   - size: Features of the state.
  ///   - attributes: Further attributes.
  /// - Returns: The states, [positions, 2, batch, hidden].
  package func recurrent(
    _ operation: String, _ x: Value, inputs: Value, hidden: Value, bias: Value, lengths: Value, size: Int,
    _ attributes: [String: Attribute] = [:]
  ) -> Value {
    let own: [String: Attribute] = ["direction": .string("bidirectional"), "hidden_size": .integer(size)]
    return node(
      operation, [x, inputs, hidden, bias, lengths], attributes.merging(own) { _, own in own })
  }

  // MARK: Rows and shapes

  /// Rows of a table at some indices, along an axis.
  package func gather(_ table: Value, at indices: Value, axis: Int = 0) -> Value {
    node("Gather", [table, indices], ["axis": .integer(axis)])
  }

  /// The axes in another order.
  package func transpose(_ x: Value, _ order: [Int]) -> Value {
    node("Transpose", [x], ["perm": .integers(order)])
  }

  /// The values under another shape; 0 keeps the extent of that axis, and −1 is the extent that is left.
  package func reshape(_ x: Value, _ shape: [Int]) -> Value { node("Reshape", [x, integers(shape)]) }

  /// The values with further axes of extent 1 at some places.
  package func unsqueeze(_ x: Value, at axes: [Int]) -> Value { node("Unsqueeze", [x, integers(axes)]) }

  /// Values one behind the other along an axis.
  package func concatenate(_ parts: [Value], axis: Int) -> Value {
    node("Concat", parts, ["axis": .integer(axis)])
  }

  /// The whole numbers from 0 below the extent of an axis.
  package func indices(ofAxis axis: Int, of x: Value) -> Value {
    let extent = node("Shape", [x], ["start": .integer(axis), "end": .integer(axis + 1)])
    let count = node("Squeeze", [extent, integers([0])])
    return node("Range", [integer(0), count, integer(1)])
  }

  // MARK: Reductions

  /// The sum along an axis.
  package func sum(_ x: Value, axis: Int, keepsAxis: Bool = false) -> Value {
    node("ReduceSum", [x, integers([axis])], ["keepdims": .integer(keepsAxis ? 1 : 0)])
  }

  /// The largest value along an axis.
  package func largest(_ x: Value, axis: Int) -> Value {
    node("ReduceMax", [x], ["axes": .integers([axis]), "keepdims": .integer(0)])
  }

  /// The sums of the values up to each place of an axis.
  package func runningSum(_ x: Value, axis: Int) -> Value { node("CumSum", [x, integer(axis)]) }
}
