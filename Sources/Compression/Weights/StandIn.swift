import Kernels
import Tensors

/// Value that stands in the place of a parameter's own for one pass, which then learns through it.
///
/// Between passes the parameter holds its own values, which are what the optimizer updates.
final class StandIn {
  /// The parameter.
  let parameter: Parameter
  /// The parameter's own values while something stands in their place.
  private var own: Tensor?
  /// The gradient of earlier micro-batches.
  private var earlier: Tensor?
  /// Whether the parameter is trained, while it is for the pass's sake.
  private var trains = true

  /// Nothing yet in the place of a parameter's values.
  init(_ parameter: Parameter) { self.parameter = parameter }

  /// Puts a function of the parameter's values in their place.
  ///
  /// - Parameters:
  ///   - keeps: Whether the parameter keeps its own values; otherwise it takes the new ones for good.
  ///   - reaching: Whether a gradient shall arrive even where the parameter is frozen.
  ///   - value: The function.
  func put(keeping keeps: Bool = true, reaching: Bool = false, _ value: (_ own: Tensor) -> Tensor) {
    restore()
    let whole = Tensor(storage: parameter.storage.copy(), shape: parameter.shape)
    parameter.assign(value(whole))
    guard keeps else { return }
    own = whole
    earlier = parameter.gradient.map { Tensor(storage: $0.storage.copy(), shape: $0.shape) }
    trains = parameter.isTrainable
    if reaching { parameter.isTrainable = true }
  }

  /// Puts the parameter's own values back.
  func restore() {
    guard let own else { return }
    parameter.assign(own)
    parameter.isTrainable = trains
    self.own = nil
  }

  /// Turns the gradient g that arrived at what stood in into that of the parameter's own values W, and puts these back.
  ///
  /// - Parameter gradient: The gradient of W by g and W, both of some rows alone where the others have no gradient. Not
  ///   called where none arrived.
  func passBack(_ gradient: (_ g: Tensor, _ own: Tensor) -> Tensor) {
    guard let own else { return }
    defer {
      restore()
      if !parameter.isTrainable { parameter.zeroGradient() }
    }
    let slot = parameter.slot
    guard !slot.isEmpty, let storage = slot.storage else { return }
    let arrived = Tensor(storage: storage, shape: parameter.shape)
    if let rows = slot.rows, earlier == nil {
      let result = gradient(arrived.rows(at: rows.indices), own.rows(at: rows.indices))
      RowKernels.clear(rows.indices, of: storage, columns: rows.columns)
      RowKernels.scatterAdd(result.storage, to: storage, rows: rows.indices, columns: rows.columns)
    } else if let earlier {
      storage.assign((earlier + gradient(arrived - earlier, own)).storage)
    } else {
      storage.assign(gradient(arrived, own).storage)
    }
  }
}

extension Tape {
  /// Runs `body` when everything recorded after this has run backwards, so that every gradient has arrived.
  func atTheEnd(_ body: @escaping () -> Void) {
    // What is recorded first runs last, and it runs only where a gradient has arrived.
    let end = GradientSlot(count: 1)
    end.contribute { gradient, _ in gradient.assign(Storage(Float(0))) }
    record(outputs: [end]) { _ in body() }
  }
}
