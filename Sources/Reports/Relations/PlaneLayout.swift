import Foundation

/// Layout of nodes in the plane whose distances are as near to given ones as they can be: stress majorisation with equal weights
/// (SMACOF; de Leeuw 1977).
struct PlaneLayout {
  /// Places of the nodes around their middle.
  let points: [SIMD2<Double>]
  /// The sum of the squared differences of the distances.
  private let stress: Double

  private init(_ points: [SIMD2<Double>], to distances: [[Double]]) {
    self.points = points
    var sum = 0.0
    for a in points.indices {
      for b in points.indices where b > a {
        let gap = Self.length(points[a] - points[b]) - distances[a][b]
        sum += gap * gap
      }
    }
    stress = sum
  }

  /// A layout of distances [nodes, nodes], the best of those from nodes on a circle in several orders, turned so that it is as wide
  /// as it can be.
  init(_ distances: [[Double]]) {
    let count = distances.count
    let radius = max(RelationGraph.mean(distances), 1e-9) / 2
    let steps = (1...6).filter { $0 == 1 || ($0 < count && Self.commonDivisor($0, count) == 1) }
    let layouts = steps.map { step in
      PlaneLayout(
        distances,
        from: (0..<count).map { index in
          let angle = 2 * Double.pi * Double(index * step % count) / Double(max(1, count))
          return SIMD2(radius * cos(angle), radius * sin(angle))
        })
    }
    let best = layouts.dropFirst().reduce(layouts[0]) { $1.stress < $0.stress * 0.999 ? $1 : $0 }
    // The first principal axis: half the angle of the second moments.
    let moments = best.points.reduce(SIMD2<Double>(0, 0)) { sum, point in
      sum + SIMD2(point.x * point.x - point.y * point.y, 2 * point.x * point.y)
    }
    let angle = atan2(moments.y, moments.x) / 2
    self.init(
      best.points.map { point in
        SIMD2(point.x * cos(angle) + point.y * sin(angle), point.y * cos(angle) - point.x * sin(angle))
      }, to: distances)
  }

  /// A layout of distances that begins at another's places, and so looks like it.
  init(_ distances: [[Double]], from start: [SIMD2<Double>]) {
    var layout = PlaneLayout(start, to: distances)
    for _ in 0..<200 {
      let next = PlaneLayout(Self.moved(layout.points, to: distances), to: distances)
      let gain = layout.stress - next.stress
      layout = next
      if gain < 1e-7 * (layout.stress + 1e-12) { break }
    }
    self = layout
  }

  /// One step of majorisation: X ← B(X) X / n, where B holds −δ/d beside the diagonal and its rows sum to 0.
  private static func moved(_ points: [SIMD2<Double>], to distances: [[Double]]) -> [SIMD2<Double>] {
    let moved = points.indices.map { a in
      var sum = SIMD2<Double>(0, 0)
      for b in points.indices where b != a {
        let step = points[a] - points[b]
        let length = length(step)
        if length > 1e-12 { sum += step * (distances[a][b] / length) }
      }
      return sum / Double(points.count)
    }
    return moved
  }

  private static func length(_ step: SIMD2<Double>) -> Double { (step * step).sum().squareRoot() }

  private static func commonDivisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : commonDivisor(b, a % b) }
}
