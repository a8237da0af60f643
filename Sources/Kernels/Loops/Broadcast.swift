/// Walks the elements of two operands under NumPy's broadcasting rules: shapes are aligned at their last axes, and an
/// extent of 1 repeats.
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
