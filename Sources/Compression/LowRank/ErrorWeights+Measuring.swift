import Datasets
import Encoders
import Foundation
import Kernels
import Tensors
import Tokenization

/// Rule by which the errors of low-rank approximations are weighted.
public enum LowRankWeighting: Sendable, Equatable {
  /// All alike: the plain singular value decomposition.
  case plain
  /// Inputs count by their mean absolute value to a power, of which ASVD takes 0.5 (Yuan and others 2023). Rows of the word table
  /// count by the number of times that the rows hold their word, and one, to this power.
  case activations(power: Double = 0.5)
  /// Errors are those of the outputs on the rows, by the second moments of the inputs (SVD-LLM, Wang and others 2024): the best for a layer by
  /// itself. Rows of the word table count by the number of times that their word occurs, and one.
  case whitened
  /// Inputs, and rows of the word table, count by the Fisher information of their weights together: the mean square of the gradients
  /// of single rows' losses, which need labels (FWSVD, Hsu and others 2022). Rows without any count as the least of the others.
  case fisher

  /// Whether it looks at rows.
  var needsRows: Bool {
    switch self {
    case .plain: false
    case .activations, .whitened, .fisher: true
    }
  }

  /// The name in reports.
  var name: String {
    switch self {
    case .plain: "plain"
    case .activations(let power): "activations to the power \(power)"
    case .whitened: "whitened"
    case .fisher: "fisher"
    }
  }
}

extension ErrorWeights {
  /// The weights of some modules of a model on rows.
  ///
  /// - Parameters:
  ///   - modules: Modules that two factors can stand for.
  ///   - model: The model; its gradients are cleared.
  ///   - rule: The rule.
  ///   - rows: Rows of its task.
  static func measured(
    of modules: [String], of model: TaskModel, by rule: LowRankWeighting, on rows: CompressionRows
  ) throws(CompressionError) -> [String: ErrorWeights] {
    switch rule {
    case .plain: return [:]
    case .activations(let power):
      let sizes = inputs(of: modules, of: model, on: rows) { InputSum(sizesOf: $0) }
      return sizes.mapValues { sum in
        .diagonal(sum.values.map { sum.count > 0 ? pow($0 / sum.count, power) : 1 })
      }.merging(words(of: modules, of: model, power: power, on: rows)) { $1 }
    case .whitened:
      let moments = inputs(of: modules, of: model, on: rows) { InputSum(momentsOf: $0) }
      return moments.mapValues { sum in
        let size = Int(Double(sum.values.count).squareRoot().rounded())
        return .moments(DoubleMatrix(sum.values, rows: size, columns: size))
      }.merging(words(of: modules, of: model, power: 0.5, on: rows)) { $1 }
    case .fisher: return try fisher(of: modules, of: model, on: rows)
    }
  }

  /// Sums over the inputs of linear layers, by module.
  private static func inputs(
    of modules: [String], of model: TaskModel, on rows: CompressionRows,
    _ sum: @Sendable (Tensor) -> InputSum
  ) -> [String: InputSum] {
    let config = model.config
    var readers: [String: [String]] = [:]
    for module in modules {
      if let name = config.inputName(ofMatrix: module) { readers[name, default: []].append(module) }
    }
    let names = readers.keys.sorted()
    var sums: [String: InputSum] = [:]
    for batch in rows.batches where !names.isEmpty {
      let context = Context()
      let taps = Taps(names)
      context.taps = taps
      model.runEncoder(batch.tokens, in: context)
      let values = names.map { name -> Tensor in
        guard let value = taps.values[name] else {
          preconditionFailure("The model has no value named \(name), which a linear layer reads.")
        }
        return value
      }
      let parts = concurrentMap(names.count) { sum(values[$0]) }
      for (name, part) in zip(names, parts) {
        if sums[name]?.add(part) == nil { sums[name] = part }
      }
    }
    var result: [String: InputSum] = [:]
    for (name, modules) in readers { for module in modules { result[module] = sums[name] } }
    return result
  }

  /// The weights of the rows of the word table by their words' number in the rows, and one.
  private static func words(
    of modules: [String], of model: TaskModel, power: Double, on rows: CompressionRows
  ) -> [String: ErrorWeights] {
    var result: [String: ErrorWeights] = [:]
    for module in modules where model.config.isWordTable(module) {
      var counts = [Double](repeating: 1, count: model.config.vocabularySize)
      for example in rows.examples { for id in example.ids { counts[Int(id)] += 1 } }
      result[module] = .diagonal(counts.map { pow($0, power) })
    }
    return result
  }

  /// The roots of the Fisher information of each input's weights, or of each row's of the word table.
  private static func fisher(
    of modules: [String], of model: TaskModel, on rows: CompressionRows
  ) throws(CompressionError) -> [String: ErrorWeights] {
    let weights = modules.compactMap { module in
      model.parameter(module + ".weight").map { (module, $0, model.config.isWordTable(module)) }
    }
    var sums = weights.map { [Double](repeating: 0, count: $1.shape[$2 ? 0 : 1]) }
    // The information is that of single rows.
    let single = CompressionRows(rows.examples, batchSize: 1)
    _ = try model.eachGradient(on: single, by: .labels) {
      let gradients = weights.map { ($1.gradient, $2) }
      let squares = concurrentMap(gradients.count) { index in
        let (gradient, isTable) = gradients[index]
        return gradient?.squares(ofRows: isTable) ?? []
      }
      for (index, squares) in squares.enumerated() {
        for (place, square) in squares.enumerated() { sums[index][place] += square }
      }
    }
    var result: [String: ErrorWeights] = [:]
    for ((module, _, _), sum) in zip(weights, sums) {
      let least = sum.lazy.filter { $0 > 0 }.min() ?? 1
      result[module] = .diagonal(sum.map { (max($0, least) / Double(rows.examples.count)).squareRoot() })
    }
    return result
  }
}

extension Tensor {
  /// The sums of the squares of a matrix's rows, or of its columns.
  fileprivate func squares(ofRows: Bool) -> [Double] {
    let (rows, columns, values) = (shape[0], shape[1], values)
    var sums = [Double](repeating: 0, count: ofRows ? rows : columns)
    for row in 0..<rows {
      var sum = 0.0
      for column in 0..<columns {
        let value = Double(values[row * columns + column])
        if ofRows { sum += value * value } else { sums[column] += value * value }
      }
      if ofRows { sums[row] = sum }
    }
    return sums
  }
}

/// Sums over rows of inputs.
private struct InputSum: Sendable {
  /// Sums of absolute values, one an input, or of second moments, row by row.
  private(set) var values: [Double]
  /// The number of rows.
  private(set) var count: Double

  /// Sums of the absolute values of each column.
  init(sizesOf x: Tensor) {
    let (columns, rows) = (x.shape.lastDimension, x.shape.rowCount)
    var sums = [Double](repeating: 0, count: columns)
    for (index, value) in x.values.enumerated() { sums[index % columns] += Double(abs(value)) }
    (values, count) = (sums, Double(rows))
  }

  /// Second moments, Σ x xᵀ.
  init(momentsOf x: Tensor) {
    let matrix = DoubleMatrix(x.storage, rows: x.shape.rowCount, columns: x.shape.lastDimension)
    (values, count) = (matrix.multiplied(by: matrix, transposingSelf: true).values, Double(matrix.rows))
  }

  /// Adds the sums over other rows.
  mutating func add(_ other: InputSum) {
    for index in values.indices { values[index] += other.values[index] }
    count += other.count
  }
}
