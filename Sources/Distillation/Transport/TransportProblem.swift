/// The transport problem (Hitchcock 1941): which flow of goods from suppliers to buyers is the cheapest.
///
/// Solved exactly by successive shortest paths (Busacker and Gowen 1960): as long as goods are left, the cheapest path from a
/// supplier with some to a buyer in need takes as much as it can. A path may lead back over earlier flow, which it cancels.
/// Meant for the handfuls of layers that models have.
package struct TransportProblem {
  /// What each supplier has, at least 0.
  package let supply: [Double]
  /// What each buyer needs, at least 0, as much in all.
  package let demand: [Double]
  /// The cost of a unit, at least 0, [suppliers · buyers].
  package let costs: [Double]

  package init(supply: [Double], demand: [Double], costs: [Double]) {
    (self.supply, self.demand, self.costs) = (supply, demand, costs)
  }

  private var tolerance: Double { 1e-12 * max(supply.reduce(0, +), .leastNormalMagnitude) }

  /// The amounts that go from each supplier to each buyer, [suppliers · buyers].
  package func cheapestFlow() -> [Double] {
    precondition(
      costs.count == supply.count * demand.count && costs.allSatisfy { $0.isFinite && $0 >= 0 },
      "A transport problem needs \(supply.count * demand.count) finite costs of at least 0.")
    var flow = [Double](repeating: 0, count: costs.count)
    var (left, needed) = (supply, demand)
    while let path = cheapestPath(flow, left: left, needed: needed) {
      var amount = min(left[path.supplier], needed[path.buyer])
      for (cell, isForward) in path.cells where !isForward { amount = min(amount, flow[cell]) }
      for (cell, isForward) in path.cells { flow[cell] += isForward ? amount : -amount }
      left[path.supplier] -= amount
      needed[path.buyer] -= amount
    }
    return flow
  }

  private struct Path {
    let supplier: Int
    let buyer: Int
    /// The cells on the way, and whether goods are added to them or taken back.
    let cells: [(cell: Int, isForward: Bool)]
  }

  /// The cheapest path by Bellman's and Ford's relaxation; nil when nothing is left to send.
  private func cheapestPath(_ flow: [Double], left: [Double], needed: [Double]) -> Path? {
    let (rows, columns) = (supply.count, demand.count)
    let threshold = 1e-12 * (costs.max() ?? 0)
    var toSupplier = left.map { $0 > tolerance ? 0 : Double.infinity }
    var toBuyer = [Double](repeating: .infinity, count: columns)
    // Who comes before each on its path; nil where a path starts.
    var beforeSupplier = [Int?](repeating: nil, count: rows)
    var beforeBuyer = [Int?](repeating: nil, count: columns)
    var changes = true
    while changes {
      changes = false
      for i in 0..<rows where toSupplier[i] < .infinity {
        for j in 0..<columns where toSupplier[i] + costs[i * columns + j] < toBuyer[j] - threshold {
          (toBuyer[j], beforeBuyer[j], changes) = (toSupplier[i] + costs[i * columns + j], i, true)
        }
      }
      for j in 0..<columns where toBuyer[j] < .infinity {
        for i in 0..<rows
        where flow[i * columns + j] > tolerance
          && toBuyer[j] - costs[i * columns + j] < toSupplier[i] - threshold
        {
          (toSupplier[i], beforeSupplier[i], changes) = (toBuyer[j] - costs[i * columns + j], j, true)
        }
      }
    }
    let open = needed.indices.filter { needed[$0] > tolerance && toBuyer[$0] < .infinity }
    guard let buyer = open.min(by: { toBuyer[$0] < toBuyer[$1] }) else { return nil }
    var cells: [(Int, Bool)] = []
    var next = buyer
    while let supplier = beforeBuyer[next] {
      cells.append((supplier * columns + next, true))
      guard let previous = beforeSupplier[supplier] else {
        return Path(supplier: supplier, buyer: buyer, cells: cells)
      }
      cells.append((supplier * columns + previous, false))
      next = previous
    }
    preconditionFailure("A path to a buyer must start with a supplier.")
  }
}
