/// Array of any rank in double precision, for tests.
struct NDArray: Equatable {
  var shape: [Int]
  var values: [Double]

  init(_ shape: [Int], _ values: [Double]) {
    precondition(shape.reduce(1, *) == values.count, "An array of \(shape) has not \(values.count) values.")
    (self.shape, self.values) = (shape, values)
  }

  /// An array whose elements are a function of their places along the axes.
  init(_ shape: [Int], _ value: ([Int]) -> Double) {
    self.init(shape, NDArray.places(shape).map(value))
  }

  static func places(_ shape: [Int]) -> [[Int]] {
    shape.reduce([[]]) { places, extent in places.flatMap { place in (0..<extent).map { place + [$0] } } }
  }

  subscript(place: [Int]) -> Double {
    var index = 0
    // An axis of extent 1 is the same everywhere, and axes that the array lacks are in front.
    for (extent, position) in zip(shape, place.suffix(shape.count)) {
      index = index * extent + (extent == 1 ? 0 : position)
    }
    return values[index]
  }

  func map(_ transform: (Double) -> Double) -> NDArray { NDArray(shape, values.map(transform)) }

  func combined(_ other: NDArray, _ transform: (Double, Double) -> Double) -> NDArray {
    let result = NDArray.broadcast(shape, other.shape)
    return NDArray(result) { transform(self[$0], other[$0]) }
  }

  static func broadcast(_ a: [Int], _ b: [Int]) -> [Int] {
    let rank = max(a.count, b.count)
    func padded(_ shape: [Int]) -> [Int] { [Int](repeating: 1, count: rank - shape.count) + shape }
    return zip(padded(a), padded(b)).map { one, other in
      precondition(one == other || one == 1 || other == 1, "\(a) and \(b) do not go together.")
      return one == 1 ? other : one
    }
  }

  func transposed(_ order: [Int]) -> NDArray {
    NDArray(order.map { shape[$0] }) { place in
      var source = [Int](repeating: 0, count: shape.count)
      for (axis, position) in zip(order, place) { source[axis] = position }
      return self[source]
    }
  }

  func reshaped(_ wanted: [Int]) -> NDArray {
    let known = wanted.enumerated().map { $1 == 0 ? shape[$0] : $1 }
    let rest = values.count / known.filter { $0 >= 0 }.reduce(1, *)
    return NDArray(known.map { $0 < 0 ? rest : $0 }, values)
  }

  /// The array without one axis, whose elements become one.
  func reduced(_ axis: Int, keepsAxis: Bool, _ reduce: ([Double]) -> Double) -> NDArray {
    var rest = shape
    rest[axis] = 1
    let result = NDArray(rest) { place in
      reduce((0..<shape[axis]).map { index in self[place.enumerated().map { $0 == axis ? index : $1 }] })
    }
    if keepsAxis { return result }
    rest.remove(at: axis)
    return NDArray(rest, result.values)
  }

  /// The rows along the last axis, each changed by a function.
  func mapRows(_ transform: ([Double]) -> [Double]) -> NDArray {
    let width = shape.last ?? 1
    let rows = stride(from: 0, to: values.count, by: max(width, 1)).map { Array(values[$0..<($0 + width)]) }
    return NDArray(shape, rows.flatMap(transform))
  }

  func product(_ other: NDArray) -> NDArray {
    let (rows, inner, columns) = (
      shape[shape.count - 2], shape[shape.count - 1], other.shape[other.shape.count - 1]
    )
    precondition(other.shape[other.shape.count - 2] == inner, "\(shape) and \(other.shape) have no product.")
    let batch = NDArray.broadcast(Array(shape.dropLast(2)), Array(other.shape.dropLast(2)))
    return NDArray(batch + [rows, columns]) { place in
      let (outer, row, column) = (place.dropLast(2), place[place.count - 2], place[place.count - 1])
      return (0..<inner).reduce(0) { $0 + self[outer + [row, $1]] * other[outer + [$1, column]] }
    }
  }
}
