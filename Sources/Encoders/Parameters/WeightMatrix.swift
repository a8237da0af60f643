import ModelFormats
import Tensors

/// Weight of a module: one parameter, or two thin ones of which it is the product.
///
/// A module of rank r has its `weight` with r in the place of its outputs, and beside it `weight_up` [outputs, r], the weight of a
/// second linear layer. No other program takes such a `weight` for a whole one, since its shape is another.
enum WeightMatrix {
  /// One parameter, `weight`.
  case whole(Parameter)
  /// Two, `weight` and `weight_up`.
  case factors(narrow: Parameter, up: Parameter)

  /// The name of the second factor.
  static let upName = "weight_up"

  /// The parameters.
  var parameters: [Parameter] {
    switch self {
    case .whole(let weight): [weight]
    case .factors(let narrow, let up): [narrow, up]
    }
  }
}

extension ParameterScope {
  /// The weight of this module, whole or as the configuration's rank for it says.
  ///
  /// - Parameters:
  ///   - shape: The shape of the whole, [outputs, inputs], of a table [rows, features].
  ///   - isTable: Whether rows of it are looked up, so that a row's features are the outputs.
  ///   - deviation: The standard deviation of the whole's fresh values.
  func weight(_ shape: Shape, isTable: Bool = false, deviation: Float) -> WeightMatrix {
    guard let rank else {
      return .whole(parameter("weight", shape, initial: .normal(standardDeviation: deviation)))
    }
    // Sums of r products of two values then have the deviation of the whole.
    let initial = InitialValue.normal(
      standardDeviation: (deviation / Float(rank).squareRoot()).squareRoot())
    return .factors(
      narrow: parameter("weight", isTable ? [shape[0], rank] : [rank, shape[1]], initial: initial),
      up: parameter(WeightMatrix.upName, [isTable ? shape[1] : shape[0], rank], initial: initial))
  }
}

/// Table of a model's words, [vocabulary, features].
struct WordTable {
  let weight: WeightMatrix
  /// The extents, whatever the form.
  let shape: Shape

  init(_ scope: ParameterScope, rows: Int, features: Int, deviation: Float) {
    shape = [rows, features]
    weight = scope.weight(shape, isTable: true, deviation: deviation)
  }

  /// The table as operations of a pass take it.
  func table(in context: Context) -> EmbeddingTable {
    switch weight {
    case .whole(let table): table.table(in: context)
    case .factors(let narrow, let up):
      .product(narrow: narrow.table(in: context), up: up.weights(bias: nil, in: context))
    }
  }

  /// The products of rows [rows, features] with every word, and a shift for each, [rows, vocabulary].
  func products(with rows: Tensor, bias: Tensor, in context: Context) -> Tensor {
    switch weight {
    case .whole(let table): rows.linear(table.weights(bias: bias, in: context))
    case .factors(let narrow, let up):
      rows.matmul(up.tensor(in: context)).linear(narrow.weights(bias: bias, in: context))
    }
  }

  /// The values as a constant.
  var detached: Tensor {
    switch weight {
    case .whole(let table): table.detached
    case .factors(let narrow, let up): narrow.detached.matmul(up.detached, transposingSecond: true)
    }
  }
}
