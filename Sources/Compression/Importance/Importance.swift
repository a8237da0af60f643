import Datasets
public import Encoders
import Kernels
import Tasks
import Tensors
import Tokenization
import Training

/// Measure of how much a model needs a part.
public enum ImportanceMeasure: String, Sendable, CaseIterable {
  /// |Σ w ∂L/∂w| for the loss on the rows' labels (Molchanov and others 2017; Michel and others 2019): what the loss would change by if
  /// the weights w were zero, to first order.
  case labels
  /// The same for the cross-entropy of the logits with a reference model's softmax, without labels (TextPruner).
  ///
  /// A model that is its own reference has no gradient there. Then the answers are drawn from its softmax, which measures how far
  /// the answers would move (the diagonal of Fisher's information).
  case logits
  /// The mean size of what a part computes, without gradients; see `Importance.init(activationsOf:on:)`.
  case activations
}

/// Importance of the parts of a Transformer, larger where they matter more.
///
/// By gradients it is TextPruner 1.1's: with p = w ∂L/∂w of a batch, the absolute sums of p over a head's columns of
/// `attention.output.dense`, and over a neuron's row of `intermediate.dense` with its bias and over its column of
/// `output.dense`. The absolute sums are added up over the batches in evaluation mode and divided by the number of rows.
/// Hidden features and layers, which TextPruner does not cut, follow the same rule: a feature has the absolute sums over its row
/// or column of each module that writes or reads it, a layer that over all of its weights.
public struct Importance: Sendable, Equatable {
  /// Importance of each layer's heads.
  public internal(set) var heads: [[Double]]
  /// Importance of each layer's feed-forward neurons.
  public internal(set) var neurons: [[Double]]
  /// Importance of each layer's neurons by the columns of `output.dense` alone, by which TextPruner compares those of different
  /// layers.
  public internal(set) var neuronOutputs: [[Double]]
  /// Importance of the hidden features.
  public internal(set) var features: [Double]
  /// Importance of the layers.
  public internal(set) var layers: [Double]

  /// Zeros for the parts of a model.
  init(_ config: EncoderConfig) {
    heads = config.headCounts.map { [Double](repeating: 0, count: $0) }
    neurons = config.feedForwardSizes.map { [Double](repeating: 0, count: $0) }
    neuronOutputs = neurons
    features = [Double](repeating: 0, count: config.hiddenSize)
    layers = [Double](repeating: 0, count: config.layerCount)
  }

  /// The importance of the parts of a model by some measure.
  ///
  /// - Parameters:
  ///   - model: A Transformer; its gradients are cleared.
  ///   - rows: Rows of its task.
  ///   - measure: The measure.
  ///   - reference: The model whose answers `logits` compares with, such as this one before anything was cut; nil is the model
  ///     itself.
  ///   - seed: What the answers of `logits` are drawn from where the model is its own reference.
  /// - Throws: `CompressionError.request` for a model without heads and neurons, and where no row has a label.
  public init(
    of model: TaskModel, on rows: CompressionRows, by measure: ImportanceMeasure,
    reference: TaskModel? = nil, seed: UInt64 = 42
  ) throws(CompressionError) {
    guard model.config.canTakeLayers(of: model.config) else {
      throw .request(
        "a model of type \(model.config.architecture.rawValue) has no heads and neurons whose importance could be "
          + "measured; a Transformer has")
    }
    switch measure {
    case .activations: self.init(activationsOf: model, on: rows)
    case .labels, .logits:
      self.init(model.config)
      let count = try model.eachGradient(on: rows, by: measure, reference: reference, seed: seed) {
        add(model)
      }
      divide(by: Double(count))
    }
  }

  /// Divides all by a number.
  mutating func divide(by divisor: Double) {
    func divided(_ values: [Double]) -> [Double] { values.map { $0 / divisor } }
    (heads, neurons) = (heads.map(divided), neurons.map(divided))
    (neuronOutputs, features, layers) = (neuronOutputs.map(divided), divided(features), divided(layers))
  }

  /// Adds what the gradients of a batch say.
  private mutating func add(_ model: TaskModel) {
    let config = model.config
    // Added up in the parameters' order: a dictionary's would change the last bits from run to run.
    var modules: [ModuleAxis: [Double]] = [:]
    var order: [ModuleAxis] = []
    var ofLayers = [Double](repeating: 0, count: config.layerCount)
    for parameter in model.parameters {
      guard let gradient = parameter.gradient else { continue }
      let place = config.place(of: parameter.name)
      let sums = WeightedSums(parameter, gradient)
      if let layer = place.layer { ofLayers[layer] += sums.total }
      for (width, isRow, values) in [
        (place.cut.rows, true, sums.rows), (place.cut.columns, false, sums.columns),
      ] {
        guard let width else { continue }
        let key = ModuleAxis(module: place.module, layer: place.layer, width: width, isRow: isRow)
        if modules[key] == nil { order.append(key) }
        modules[key] = modules[key].map { zip($0, values).map(+) } ?? values
      }
    }
    for key in order {
      guard let values = modules[key] else { continue }
      switch (key.width, key.layer) {
      case (.features, _): for (index, value) in values.enumerated() { features[index] += abs(value) }
      case (.heads, let layer?) where !key.isRow:
        for head in heads[layer].indices {
          let own = values[head * config.headSize..<(head + 1) * config.headSize]
          heads[layer][head] += abs(own.reduce(0, +))
        }
      case (.neurons, let layer?):
        for (index, value) in values.enumerated() {
          neurons[layer][index] += abs(value)
          if !key.isRow { neuronOutputs[layer][index] += abs(value) }
        }
      case (.heads, _), (.neurons, nil): break
      }
    }
    for (layer, value) in ofLayers.enumerated() { layers[layer] += abs(value) }
  }

  /// A side of a module, whose weight and bias count together.
  private struct ModuleAxis: Hashable {
    let module: String
    let layer: Int?
    let width: Cut.Width
    let isRow: Bool
  }
}

extension TaskModel {
  /// Computes the gradients of each batch's loss in evaluation mode, of every parameter, and clears them again.
  ///
  /// - Parameters:
  ///   - rows: Rows of the model's task.
  ///   - measure: `labels` for the loss on these, otherwise that of the logits.
  ///   - reference: The model whose answers logits are compared with; nil is this one.
  ///   - seed: What answers are drawn from where the model is its own reference.
  ///   - body: Reads the gradients of a batch.
  /// - Returns: The number of rows.
  /// - Throws: `CompressionError.request` where no row has anything to measure by.
  func eachGradient(
    on rows: CompressionRows, by measure: ImportanceMeasure, reference: TaskModel? = nil, seed: UInt64 = 42,
    _ body: () -> Void
  ) throws(CompressionError) -> Int {
    let family = config.taskFamily
    var (rowCount, usedBatches) = (0, 0)
    let flags = parameters.map(\.isTrainable)
    for parameter in parameters {
      parameter.zeroGradient()
      parameter.isTrainable = true
    }
    defer { for (parameter, flag) in zip(parameters, flags) { parameter.isTrainable = flag } }
    for (number, batch) in rows.batches.enumerated() {
      let targets = family.targets(of: batch)
      rowCount += batch.count
      // A masked language model is asked for some tokens alone.
      let isAsked = targets.rows.map { !$0.isEmpty } ?? true
      guard isAsked, measure == .logits || targets.count(starts: batch.tokens.starts) > 0 else { continue }
      usedBatches += 1
      let tape = Tape()
      let context = Context(tape: tape)
      let logits = self(batch.tokens, rows: targets.rows, in: context).logits
      let loss =
        measure == .labels
        ? targets.loss(logits, starts: batch.tokens.starts)
        : logits.selfLoss(
          form: family.form, starts: batch.tokens.starts,
          reference: reference.map { $0(batch.tokens, rows: targets.rows, in: .inference).logits },
          random: RandomSource(seed: seed, stream: UInt64(number)))
      tape.backward(from: loss)
      body()
      for parameter in parameters { parameter.zeroGradient() }
    }
    guard usedBatches > 0 else {
      throw .request(
        "none of the \(rows.examples.count) rows has a label or a masked word to measure by; give rows that have one, "
          + "or measure by activations")
    }
    return rowCount
  }
}

/// Sums of w ∂L/∂w over the columns of each row of a parameter, over the rows of each column, and over all.
private struct WeightedSums {
  var rows: [Double]
  var columns: [Double]
  var total: Double

  init(_ parameter: Parameter, _ gradient: Tensor) {
    let shape = parameter.shape
    let (height, width) = (shape.rank > 0 ? shape[0] : 1, shape.rank > 1 ? shape.lastDimension : 1)
    rows = [Double](repeating: 0, count: height)
    columns = [Double](repeating: 0, count: width)
    let (w, g) = (parameter.values, gradient.values)
    for row in 0..<height {
      var sum = 0.0
      for column in 0..<width {
        let product = Double(w[row * width + column]) * Double(g[row * width + column])
        sum += product
        columns[column] += product
      }
      rows[row] = sum
    }
    total = rows.reduce(0, +)
  }
}

extension Tensor {
  /// The loss of logits against those of a reference, or against answers drawn from themselves.
  fileprivate func selfLoss(
    form: LogitsForm, starts: [Int32], reference: Tensor?, random: RandomSource
  ) -> Tensor {
    let own = form.parts(of: self)
    let others = (reference.map { form.parts(of: $0) } ?? own).map(\.detached)
    let isOwn = reference == nil
    let terms = zip(own, others).enumerated().map { part, pair in
      let random = RandomSource(seed: random.seed, stream: random.stream << 1 | UInt64(part))
      return pair.0.term(form.kind(starts: starts), reference: pair.1, random: isOwn ? random : nil)
    }
    return terms.dropFirst().reduce(terms[0], +)
  }

  /// The loss of one part; `random` draws the answers that the reference stands for.
  private func term(_ kind: LogitsKind, reference: Tensor, random: RandomSource?) -> Tensor {
    switch kind {
    case .classes:
      guard let random else { return softCrossEntropy(teacher: reference, temperature: 1) }
      let p = reference.softmax().values
      let classes = shape.lastDimension
      return softmaxCrossEntropy(
        labels: (0..<shape.rowCount).map { random.draw($0, from: p[$0 * classes..<($0 + 1) * classes]) })
    case .positions(let starts):
      guard let random else {
        return softPositionCrossEntropy(teacher: reference, starts: starts, temperature: 1)
      }
      let z = reference.values
      let targets = zip(starts, starts.dropFirst()).enumerated().map { sequence, ends in
        let own = Tensor(Array(z[Int(ends.0)..<Int(ends.1)])).softmax().values
        return random.draw(sequence, from: own[...])
      }
      return positionCrossEntropy(starts: starts, targets: targets)
    case .independentLabels:
      let p = reference.applying(.sigmoid)
      let drawn = random.map { random in
        p.values.enumerated().map { random.uniform(at: UInt64($0)) < Double($1) ? Float(1) : 0 }
      }
      return binaryCrossEntropy(targets: drawn.map { Tensor($0, shape: shape) } ?? p)
    case .values:
      guard let random else { return meanSquaredError(to: reference) }
      return meanSquaredError(
        to: (reference + Tensor.normal(shape: shape, standardDeviation: 1, random: random)).detached)
    }
  }
}

extension RandomSource {
  /// Place drawn from a distribution.
  fileprivate func draw(_ index: Int, from probabilities: ArraySlice<Float>) -> Int32 {
    let level = uniform(at: UInt64(index))
    var sum = 0.0
    for (place, probability) in probabilities.enumerated() {
      sum += Double(probability)
      if level < sum { return Int32(place) }
    }
    return Int32(probabilities.count - 1)
  }
}
