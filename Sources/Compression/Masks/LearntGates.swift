import Encoders
import Kernels
import Tensors

/// Gates that are learnt: log α of each, and the multipliers of the constraint on what they leave.
package final class LearntGates {
  let config: EncoderConfig
  /// Kinds in the order in which they draw, each with its log α.
  package let kinds: [(kind: GateKind, logAlpha: Parameter)]
  /// The multipliers λ₁ and λ₂, zero at first.
  package let multipliers: [Parameter]
  private let hasFeatures: Bool

  /// Gates over some parts, which start as CoFi's: log α from N(0, 0.01²) around 0 for neurons and 10 for everything else.
  package init(of parts: Set<PrunedPart>, in config: EncoderConfig, seed: UInt64) {
    self.config = config
    hasFeatures = parts.contains(.hidden)
    kinds = GateKind.all(of: parts, in: config).enumerated().map { stream, kind in
      let noise = Tensor.normal(
        shape: [kind.count(config)], standardDeviation: 0.01,
        random: RandomSource(seed: seed, stream: UInt64(stream)))
      return (kind, Parameter(name: kind.name, value: noise + kind.start))
    }
    multipliers = ["masks.lambda_1", "masks.lambda_2"].map {
      Parameter(name: $0, value: Tensor(repeating: 0, shape: [1]))
    }
  }

  /// Everything that is learnt.
  var parameters: [Parameter] { kinds.map(\.logAlpha) + multipliers }

  /// Keeps log α within CoFi's bounds.
  package func constrain() {
    let (low, high) = (Float(HardConcrete.bounds.lowerBound), Float(HardConcrete.bounds.upperBound))
    for (_, parameter) in kinds {
      parameter.assign(Tensor(parameter.values.map { min(high, max(low, $0)) }, shape: parameter.shape))
    }
  }

  private func logAlphas(_ parameter: Parameter) -> [Double] { parameter.values.map { Double($0) } }

  /// Gates drawn for a pass, one number after the other from one stream.
  package func drawn(from random: RandomSource) -> MaskGates {
    var index: UInt64 = 0
    var values: [GateKind: [HardConcrete.Value]] = [:]
    for (kind, parameter) in kinds {
      values[kind] = logAlphas(parameter).map { logAlpha in
        defer { index += 1 }
        return HardConcrete.gate(logAlpha, u: HardConcrete.draw(random.uniform(at: index)))
      }
    }
    return MaskGates(values, of: config)
  }

  /// Gates without chance, of a model that can be built.
  ///
  /// Those of halves are settled layer by layer, as CoFi does it; hidden features go as whole heads.
  package var settled: MaskGates {
    var values: [GateKind: [HardConcrete.Value]] = [:]
    var soft: [GateKind: [Double]] = [:]
    for (kind, parameter) in kinds {
      let logAlphas = logAlphas(parameter)
      let gates =
        switch kind {
        case .attention, .feedForward: logAlphas.flatMap { HardConcrete.settled([$0]) }
        case .heads, .neurons: HardConcrete.settled(logAlphas)
        case .features: HardConcrete.settled(logAlphas, multipleOf: config.headSize)
        }
      values[kind] = gates.map { HardConcrete.Value(value: $0, slope: 0) }
      soft[kind] = logAlphas.map(HardConcrete.softness)
    }
    return MaskGates(values, of: config).buildable(soft)
  }

  /// Adds scale · Σ (dL/dz) (dz/d log α) to the gradients.
  func add(_ sums: [GateKind: [Double]], through gates: MaskGates) {
    for (kind, parameter) in kinds {
      guard let sums = sums[kind], let values = gates.values[kind] else { continue }
      parameter.slot.add(Storage(zip(sums, values).map { Float($0 * $1.slope) }))
    }
  }

  // MARK: The constraint

  /// Parameters of the layers' matrices and biases, of which `sparsity` is a share.
  private var prunableSize: Double {
    let (hidden, head) = (Double(config.hiddenSize), Double(config.headSize))
    let attention = config.headCounts.reduce(0) { $0 + 4 * head * (hidden + 1) * Double($1) }
    return config.feedForwardSizes.reduce(attention) {
      $0 + 2 * hidden * Double($1) + hidden + Double($1)
    }
  }

  /// The share of the layers' parameters that is expected to be closed, with its derivatives by log α.
  ///
  /// A parameter is there where all gates over it are open, so the expected number of an attention's is
  /// 4 d (H + 1) / H · Σ over features and heads of p(feature) p(half) p(head), d features a head, and that of a
  /// feed-forward half's 2 Σ p(feature) p(half) p(neuron). Without gates of features a head counts 4 d (H + 1) and a neuron
  /// 2 H + 1. The sizes are those of CoFi.
  package func expectedSparsity() -> (value: Double, slopes: [GateKind: [Double]]) {
    let open = Dictionary(
      uniqueKeysWithValues: kinds.map { ($0.kind, logAlphas($0.logAlpha).map(HardConcrete.openness)) })
    func chances(_ kind: GateKind) -> [Double] {
      open[kind]?.map(\.value) ?? [Double](repeating: 1, count: kind.count(config))
    }
    let (hidden, head) = (Double(config.hiddenSize), Double(config.headSize))
    let features = hasFeatures ? chances(.features).reduce(0, +) : hidden
    let (attention, feedForward) = (chances(.attention), chances(.feedForward))
    // Parameters a feature.
    var perFeature = 0.0
    var slopes: [GateKind: [Double]] = [:]
    for layer in 0..<config.layerCount {
      let neurons = Double(config.intermediateSize(inLayer: layer))
      let perHead = 4 * head * (hidden + 1) / hidden
      let perNeuron =
        hasFeatures ? 2 : ((2 * hidden * neurons + hidden + neurons) / neurons).rounded(.down) / hidden
      for (half, chance, inner, weight) in [
        (GateKind.attention, attention[layer], GateKind.heads(layer), perHead),
        (.feedForward, feedForward[layer], .neurons(layer), perNeuron),
      ] {
        let inside = chances(inner)
        let sum = inside.reduce(0, +)
        perFeature += weight * chance * sum
        slopes[half, default: []].append(features * weight * sum)
        slopes[inner] = inside.map { _ in features * weight * chance }
      }
    }
    if hasFeatures { slopes[.features] = [Double](repeating: perFeature, count: config.hiddenSize) }
    let size = prunableSize
    for (kind, _) in kinds {
      guard let own = slopes[kind], let chances = open[kind] else { continue }
      slopes[kind] = zip(own, chances).map { -$0 * $1.slope / size }
    }
    return (1 - features * perFeature / size, slopes)
  }

  /// The term λ₁ (ŝ − t) + λ₂ (ŝ − t)² for the expected sparsity ŝ and its target t, on a tape.
  ///
  /// Backward it descends by log α and ascends by λ₁ and λ₂.
  package func constraint(target: Double, on tape: Tape?) -> (loss: Tensor, sparsity: Double) {
    let (sparsity, slopes) = expectedSparsity()
    let difference = sparsity - target
    let (first, second) = (Double(multipliers[0].values[0]), Double(multipliers[1].values[0]))
    let value = Storage(Float(first * difference + second * difference * difference))
    let loss = Tensor.result(value, [], on: tape)
    tape?.record(loss) { [self] dy in
      let scale = Double(dy[0])
      let factor = scale * (first + 2 * second * difference)
      for (kind, parameter) in kinds {
        guard let slopes = slopes[kind] else { continue }
        parameter.slot.add(Storage(slopes.map { Float(factor * $0) }))
      }
      multipliers[0].slot.add(Storage(Float(-scale * difference)))
      multipliers[1].slot.add(Storage(Float(-scale * difference * difference)))
    }
    return (loss, sparsity)
  }
}
