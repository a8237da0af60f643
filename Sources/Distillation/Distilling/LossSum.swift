import Tensors
import Training

/// Adds up weighted losses and remembers each unweighted, under the name it has in the log.
struct LossSum {
  private var total: Tensor?
  private var parts: [(name: String, value: Float)] = []

  /// Adds weight · factor · loss to the total; a loss of weight 0 is only logged.
  ///
  /// - Parameter factor: What makes the mean of a micro-batch a part of the update's mean, in the log too.
  mutating func add(_ loss: Tensor, weight: Double, factor: Double = 1, name: String) {
    var unique = name
    var copies = 1
    while parts.contains(where: { $0.name == unique }) {
      copies += 1
      unique = "\(name)_\(copies)"
    }
    parts.append((unique, factor == 1 ? loss.item : Float(factor) * loss.item))
    let weight = weight * factor
    guard weight != 0 else { return }
    let weighted = weight == 1 ? loss : loss * Float(weight)
    total = total.map { $0 + weighted } ?? weighted
  }

  /// The weighted sum, 0 when nothing counted.
  var stepLoss: StepLoss { StepLoss(total ?? Tensor(0), parts: parts) }
}
