import Tensors

extension LayerLoss {
  /// Transport between all layers; see `LayerTransport`.
  static let emd: LayerLoss = {
    var loss = LayerLoss(.transport, layers: .all, mean: nil).needingEqualSizes
    loss.standardLayers = []
    return loss
  }()
}

/// BERT-EMD (Li and others 2020): every layer of the student learns from every layer of the teacher, as much as the cheapest
/// transport between them says.
///
/// With D_ij the mean squared difference of the student's layer i and the teacher's layer j, w and v the layers' weights
/// (1 in all on each side) and F the flow that is cheapest for D, a constant: the loss is Σ F_ij D_ij of the hidden states,
/// plus the same of the attention scores with costs and a flow of their own, plus the mean squared difference of the
/// embeddings. Where widths differ, each of the student's layers has a projection.
///
/// After each batch of training a layer's weight becomes the inverse of what a unit of it costs, C_i = Σ_j F_ij D_ij / w_i,
/// over the sum of these, averaged over hidden states and attention: layers that find what they need learn more.
public final class LayerTransport {
  /// The student's projections, the embeddings' first; empty where widths are equal.
  public let projections: [Projection]
  /// The weights of the student's layers, [layers]; no optimizer changes them.
  public let studentWeights: Parameter
  /// The weights of the teacher's layers, [layers].
  public let teacherWeights: Parameter

  /// Even weights for the layers of two models.
  ///
  /// - Parameters:
  ///   - name: The prefix of the weights' names, such as `projections.0`.
  ///   - students: The student's layers, without the embeddings.
  ///   - teachers: The teacher's.
  ///   - projections: One for the student's embeddings and one for each of its layers; none where widths are equal.
  package init(name: String, students: Int, teachers: Int, projections: [Projection] = []) {
    precondition(
      projections.isEmpty || projections.count == students + 1,
      "The transport of \(students) layers needs \(students + 1) projections, found \(projections.count).")
    self.projections = projections
    let even = { (side: String, count: Int) in
      Parameter(
        name: "\(name).\(side)_weights", value: Tensor(repeating: 1 / Float(count), shape: [count]),
        isTrainable: false)
    }
    studentWeights = even("student", students)
    teacherWeights = even("teacher", teachers)
  }

  /// State in a checkpoint, beside the projections.
  public var state: [Parameter] { [studentWeights, teacherWeights] }

  /// The loss of a batch; in training the weights move on.
  ///
  /// - Parameters:
  ///   - student: The student's hidden states, the embeddings first, [rows, hidden] each, not projected.
  ///   - teacher: The teacher's, constants.
  ///   - attention: The attention scores of both sides' layers, all of one count; nil compares hidden states only.
  ///   - context: The pass this is part of.
  package func loss(
    student: [Tensor], teacher: [Tensor], attention: (student: [Tensor], teacher: [Tensor])? = nil,
    in context: Context
  ) -> Tensor {
    let own = projections.isEmpty ? student : zip(projections, student).map { $0($1, in: context) }
    var flows = [Flow(Array(own.dropFirst()), Array(teacher.dropFirst()), weights: weights)]
    if let attention { flows.append(Flow(attention.student, attention.teacher, weights: weights)) }
    let embeddings = own[0].meanSquaredError(to: teacher[0])
    let loss = flows.reduce(embeddings) { $0 + $1.loss() }
    if context.isTraining { update(flows) }
    return loss
  }

  private var weights: (student: [Double], teacher: [Double]) {
    let normalized = { (parameter: Parameter) in
      let values = parameter.values.map { Double($0) }
      return values.map { $0 / values.reduce(0, +) }
    }
    return (normalized(studentWeights), normalized(teacherWeights))
  }

  private func update(_ flows: [Flow]) {
    for (parameter, key) in [(studentWeights, \Flow.studentCosts), (teacherWeights, \Flow.teacherCosts)] {
      let shares = flows.map { flow -> [Double] in
        let costs = flow[keyPath: key]
        let largest = costs.max() ?? 0
        // Where nothing costs anything, no layer needs more than another.
        guard largest > 0 else { return costs.map { _ in 1 / Double(costs.count) } }
        // A layer that is a perfect copy shall not take all weight; dividing by the largest first keeps 1/x finite.
        let inverses = costs.map { 1 / max($0 / largest, 1e-3) }
        return inverses.map { $0 / inverses.reduce(0, +) }
      }
      let means = (0..<parameter.count).map { layer in
        Float(shares.reduce(0) { $0 + $1[layer] } / Double(shares.count))
      }
      parameter.assign(Tensor(means, shape: parameter.shape))
    }
  }
}

/// The cheapest transport between features of one kind.
private struct Flow {
  private let student: [Tensor]
  private let teacher: [Tensor]
  private let amounts: [Double]
  /// Cost of a unit of each of the student's layers.
  let studentCosts: [Double]
  /// Cost of a unit of each of the teacher's layers.
  let teacherCosts: [Double]

  init(_ student: [Tensor], _ teacher: [Tensor], weights: (student: [Double], teacher: [Double])) {
    let (rows, columns) = (student.count, teacher.count)
    let costs = student.flatMap { own in
      teacher.map { Double(own.detached.meanSquaredError(to: $0.detached).item) }
    }
    let amounts = TransportProblem(supply: weights.student, demand: weights.teacher, costs: costs)
      .cheapestFlow()
    let spent = zip(amounts, costs).map { $0 * $1 }
    (self.student, self.teacher, self.amounts) = (student, teacher, amounts)
    studentCosts = (0..<rows).map { i in
      spent[i * columns..<(i + 1) * columns].reduce(0, +) / weights.student[i]
    }
    teacherCosts = (0..<columns).map { j in
      (0..<rows).reduce(0) { $0 + spent[$1 * columns + j] } / weights.teacher[j]
    }
  }

  /// Σ F D, only of the pairs that goods go between.
  func loss() -> Tensor {
    var total: Tensor?
    for (index, amount) in amounts.enumerated() where amount > 0 {
      let (own, other) = (student[index / teacher.count], teacher[index % teacher.count])
      let term = own.meanSquaredError(to: other) * Float(amount)
      total = total.map { $0 + term } ?? term
    }
    return total ?? Tensor(0)
  }
}

/// The transport problem (Hitchcock 1941): which flow of goods from suppliers to buyers is the cheapest.
///
/// Solved exactly by successive shortest paths (Busacker and Gowen 1960): as long as goods are left, the cheapest path from a
/// supplier with some to a buyer in need takes as much as it can. A path may lead back over earlier flow, which it cancels.
/// Meant for the handfuls of layers that models have.
package struct TransportProblem {
  /// Supply of each supplier, at least 0.
  package let supply: [Double]
  /// Demand of each buyer, at least 0, as much in all.
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
