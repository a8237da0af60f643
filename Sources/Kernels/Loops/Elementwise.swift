import CKernels

/// Element-wise loops over whole storages, shared among workers; a result may be one of its operands.
package enum Elementwise {
  /// y = value.
  package static func fill(_ y: Storage, with value: Float, as kind: WorkKind = .elementwise) {
    RowBlocks.elements(y.count, as: kind) { ps_fill(y.pointer + $0, value, $1) }
  }

  /// y = factor x + shift, in one rounding where either is trivial.
  package static func affine(_ x: Storage, factor: Float, shift: Float, into y: Storage) {
    RowBlocks.elements(x.count) { offset, count in
      if shift == 0 {
        ps_scale(x.pointer + offset, factor, y.pointer + offset, count)
      } else {
        ps_affine(x.pointer + offset, factor, shift, y.pointer + offset, count)
      }
    }
  }

  /// y = factor x, or y += factor x.
  package static func scale(
    _ x: Storage, by factor: Float, into y: Storage, adding: Bool = false, as kind: WorkKind = .elementwise
  ) {
    RowBlocks.elements(x.count, as: kind) { offset, count in
      if adding {
        ps_axpy(factor, x.pointer + offset, y.pointer + offset, count)
      } else {
        ps_scale(x.pointer + offset, factor, y.pointer + offset, count)
      }
    }
  }

  /// y += x, on this thread.
  package static func add(_ x: Storage, to y: Storage) {
    ps_add(y.pointer, x.pointer, y.pointer, Int64(x.count))
  }

  /// y = eˣ.
  package static func exp(_ x: Storage, into y: Storage, as kind: WorkKind = .elementwise) {
    RowBlocks.elements(x.count, as: kind) { ps_exp(x.pointer + $0, y.pointer + $0, $1) }
  }

  /// y = log x.
  package static func log(_ x: Storage, into y: Storage) {
    RowBlocks.elements(x.count) { ps_log(x.pointer + $0, y.pointer + $0, $1) }
  }

  /// y = √x.
  package static func sqrt(_ x: Storage, into y: Storage) {
    RowBlocks.elements(x.count) { ps_sqrt(x.pointer + $0, y.pointer + $0, $1) }
  }

  /// Drops elements of rows and scales the others, as the mask says; y may be x.
  package static func drop(_ x: Storage, rows: Int, columns: Int, mask: DropoutMask, into y: Storage) {
    RowBlocks.rows(rows, columns: columns) { rows in
      mask.forEachRun(of: rows, columns: columns) { rows, counter in
        let offset = rows.lowerBound * columns
        ps_dropout(
          x.pointer + offset, y.pointer + offset, Int64(rows.count * columns), mask.seed, mask.stream,
          counter,
          mask.probability)
      }
    }
  }
}

/// Arithmetic of two operands, element by element.
package enum BinaryKernel: Sendable {
  case add, subtract, multiply, divide

  /// Computes y = a ∘ b for operands of one shape; y may be either.
  package func apply(_ a: Storage, _ b: Storage, into y: Storage, as kind: WorkKind = .elementwise) {
    RowBlocks.elements(y.count, as: kind) { offset, count in
      let (a, b, y) = (a.pointer + offset, b.pointer + offset, y.pointer + offset)
      switch self {
      case .add: ps_add(a, b, y, count)
      case .subtract: ps_subtract(a, b, y, count)
      case .multiply: ps_multiply(a, b, y, count)
      case .divide: ps_divide(a, b, y, count)
      }
    }
  }

  /// Computes y = a ∘ b for operands of any shapes that broadcast.
  package func apply(_ a: Storage, _ b: Storage, broadcast walk: Broadcast, into y: Storage) {
    let (a, b, y) = (a.pointer, b.pointer, y.pointer)
    switch self {
    case .add: walk.forEach { y[$0] = a[$1] + b[$2] }
    case .subtract: walk.forEach { y[$0] = a[$1] - b[$2] }
    case .multiply: walk.forEach { y[$0] = a[$1] * b[$2] }
    case .divide: walk.forEach { y[$0] = a[$1] / b[$2] }
    }
  }

  /// Adds the first operand's gradient: da += dy · ∂(a ∘ b)/∂a, which is 1, 1, b or 1 / b.
  package func addFirstGradient(of dy: Storage, _ b: Storage, broadcast walk: Broadcast, to da: Storage) {
    let (b, dy, da) = (b.pointer, dy.pointer, da.pointer)
    switch self {
    case .add, .subtract: walk.forEach { index, i, _ in da[i] += dy[index] }
    case .multiply: walk.forEach { da[$1] += dy[$0] * b[$2] }
    case .divide: walk.forEach { da[$1] += dy[$0] / b[$2] }
    }
  }

  /// Adds the second operand's gradient: db += dy · ∂(a ∘ b)/∂b, which is 1, −1, a or −a / b².
  package func addSecondGradient(
    of dy: Storage, _ a: Storage, _ b: Storage, broadcast walk: Broadcast, to db: Storage
  ) {
    let (a, b, dy, db) = (a.pointer, b.pointer, dy.pointer, db.pointer)
    switch self {
    case .add: walk.forEach { index, _, j in db[j] += dy[index] }
    case .subtract: walk.forEach { index, _, j in db[j] += -dy[index] }
    case .multiply: walk.forEach { db[$2] += dy[$0] * a[$1] }
    case .divide: walk.forEach { db[$2] += -dy[$0] * a[$1] / (b[$2] * b[$2]) }
    }
  }
}

/// Walk over the elements of two operands under NumPy's broadcasting rules: shapes are aligned at their last axes,
/// and an extent of 1 repeats.
package struct Broadcast: Sendable {
  /// The extents of the result.
  package let shape: [Int]
  private let firstStrides: [Int]
  private let secondStrides: [Int]

  /// The walk over operands of two shapes, which must broadcast.
  package init(_ first: [Int], _ second: [Int]) {
    let rank = max(first.count, second.count)
    var dimensions: [Int] = []
    for axis in 0..<rank {
      let a = Self.extent(first, axis, rank)
      let b = Self.extent(second, axis, rank)
      precondition(a == b || a == 1 || b == 1, "Shapes \(first) and \(second) do not broadcast.")
      dimensions.append(a == 1 ? b : a)
    }
    shape = dimensions
    firstStrides = Self.strides(first, rank)
    secondStrides = Self.strides(second, rank)
  }

  /// Calls `body` with the index of every result element and of the two operands' elements behind it, in order.
  func forEach(_ body: (_ index: Int, _ first: Int, _ second: Int) -> Void) {
    guard shape.allSatisfy({ $0 > 0 }) else { return }
    guard let inner = shape.last, let a = firstStrides.last, let b = secondStrides.last else {
      return body(0, 0, 0)
    }
    let outer = shape.count - 1
    var counter = [Int](repeating: 0, count: outer)
    var (index, first, second) = (0, 0, 0)
    while true {
      for step in 0..<inner { body(index + step, first + step * a, second + step * b) }
      index += inner
      var axis = outer - 1
      while axis >= 0 {
        counter[axis] += 1
        first += firstStrides[axis]
        second += secondStrides[axis]
        if counter[axis] < shape[axis] { break }
        first -= counter[axis] * firstStrides[axis]
        second -= counter[axis] * secondStrides[axis]
        counter[axis] = 0
        axis -= 1
      }
      if axis < 0 { return }
    }
  }

  private static func extent(_ shape: [Int], _ axis: Int, _ rank: Int) -> Int {
    let own = axis - (rank - shape.count)
    return own < 0 ? 1 : shape[own]
  }

  private static func strides(_ shape: [Int], _ rank: Int) -> [Int] {
    var result = [Int](repeating: 0, count: rank)
    var stride = 1
    for axis in (0..<rank).reversed() {
      let extent = extent(shape, axis, rank)
      result[axis] = extent == 1 ? 0 : stride
      stride *= extent
    }
    return result
  }
}

/// An element-wise nonlinearity as the C loops know it.
package enum ActivationKernel: Int32, Sendable {
  case identity, gelu, geluNew, relu, tanh, silu, sigmoid, quickGelu, mish

  /// Computes y = f(x); y may be x.
  package func apply(_ x: Storage, into y: Storage, as kind: WorkKind = .elementwise) {
    RowBlocks.elements(x.count, as: kind) { ps_activation(rawValue, x.pointer + $0, y.pointer + $0, $1) }
  }

  /// Computes dx = dy f′(x) from x before the activation; dx may be dy.
  package func gradient(_ x: Storage, dy: Storage, into dx: Storage) {
    RowBlocks.elements(x.count) {
      ps_activation_backward(rawValue, x.pointer + $0, dy.pointer + $0, dx.pointer + $0, $1)
    }
  }
}
