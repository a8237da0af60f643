import Encoders
import ModelFormats

/// Part of a Transformer that structured pruning cuts.
public enum PrunedPart: String, Sendable, CaseIterable {
  /// Whole layers.
  case layers
  /// Features of the hidden states, the same in every layer.
  case hidden
  /// Heads of attention.
  case heads
  /// Neurons between the two feed-forward products.
  case neurons = "ffn"
}

/// Amount of a part that stays when it is cut.
public enum PrunedAmount: Sendable, Hashable, CustomStringConvertible {
  /// Share of the part's own number, above 0 and up to 1.
  case share(Double)
  /// Number, from 1.
  case count(Int)

  /// Reads `50%`, `0.5` or `512`; nil for anything else.
  public init?(_ text: String) {
    if let count = Int(text), count > 0 {
      self = .count(count)
    } else if text.hasSuffix("%"), let percent = Double(text.dropLast()), percent > 0, percent <= 100 {
      self = .share(percent / 100)
    } else if let share = Double(text), share > 0, share <= 1 {
      self = .share(share)
    } else {
      return nil
    }
  }

  /// The amount as it is written: shares in percent.
  public var description: String {
    switch self {
    case .share(let share):
      {
        let percent = (share * 10_000).rounded() / 100
        return (percent == percent.rounded() ? String(Int(percent)) : String(percent)) + "%"
      }()
    case .count(let count): String(count)
    }
  }
}

/// Sizes that pruning leaves; nil leaves a part as it is.
public struct PrunedSizes: Sendable, Equatable {
  /// Layers (`num_hidden_layers`).
  public var layers: Int?
  /// Hidden features (`hidden_size`), a multiple of a head's size.
  public var hiddenSize: Int?
  /// Heads of each attention (`num_attention_heads`); by uneven masks those of a layer on average.
  public var heads: Int?
  /// Feed-forward neurons of each layer (`intermediate_size`); by uneven masks those of a layer on average.
  public var intermediateSize: Int?

  /// Sizes; what is left out stays.
  public init(layers: Int? = nil, hiddenSize: Int? = nil, heads: Int? = nil, intermediateSize: Int? = nil) {
    (self.layers, self.hiddenSize, self.heads) = (layers, hiddenSize, heads)
    self.intermediateSize = intermediateSize
  }
}

extension PrunedPart {
  /// Size of the part in a model: a mean where its layers differ.
  package func size(in config: EncoderConfig) -> Int {
    let whole = WholeSizes(config)
    return switch self {
    case .layers: whole.layers
    case .hidden: whole.hiddenSize
    case .heads: whole.heads
    case .neurons: whole.intermediateSize
    }
  }
}

extension PrunedSizes {
  /// Size of a part.
  fileprivate subscript(part: PrunedPart) -> Int? {
    get {
      switch part {
      case .layers: layers
      case .hidden: hiddenSize
      case .heads: heads
      case .neurons: intermediateSize
      }
    }
    set {
      switch part {
      case .layers: layers = newValue
      case .hidden: hiddenSize = newValue
      case .heads: heads = newValue
      case .neurons: intermediateSize = newValue
      }
    }
  }
}

/// Target of structured pruning.
public enum PruningTarget: Sendable, Equatable {
  /// Sizes.
  case sizes(PrunedSizes)
  /// Amounts that are left of some parts: of a share hidden features as whole heads and neurons as whole eights.
  case parts([PrunedPart: PrunedAmount])
  /// Millions of bytes of the values in 32-bit floats, by the largest share of some parts that takes no more.
  case megabytes(Double, cutting: Set<PrunedPart>)

  /// The same share of each of some parts' own number, above 0 and up to 1.
  public static func share(_ share: Double, of parts: Set<PrunedPart>) -> PruningTarget {
    .parts(Dictionary(uniqueKeysWithValues: parts.map { ($0, .share(share)) }))
  }
}

/// Complete sizes of a Transformer whose layers are alike, between which pruning goes in steps.
struct WholeSizes: Equatable {
  var layers: Int
  var hiddenSize: Int
  /// Heads of a layer; a mean where layers differ.
  var heads: Int
  /// Neurons of a layer; a mean where layers differ.
  var intermediateSize: Int

  /// The sizes of a model, means where its layers differ.
  init(_ config: EncoderConfig) {
    let count = max(1, config.layerCount)
    layers = config.layerCount
    hiddenSize = config.hiddenSize
    heads = config.headCounts.reduce(0, +) / count
    intermediateSize = config.feedForwardSizes.reduce(0, +) / count
  }

  /// Sizes of a target, checked against a model.
  ///
  /// - Throws: `CompressionError.request` naming what was found and expected.
  init(_ target: PruningTarget, of config: EncoderConfig) throws(CompressionError) {
    let whole = WholeSizes(config)
    self = whole
    switch target {
    case .sizes(let sizes):
      layers = sizes.layers ?? layers
      hiddenSize = sizes.hiddenSize ?? hiddenSize
      // Heads follow the hidden features where only these are named.
      heads = sizes.heads ?? min(heads, hiddenSize / max(1, config.headSize))
      intermediateSize = sizes.intermediateSize ?? intermediateSize
      try check(sizes, of: config, whole: whole)
    case .parts(let amounts):
      try Self.check(Set(amounts.keys))
      var counts = PrunedSizes()
      // Heads before hidden features, which leave room for so many.
      for part in [PrunedPart.layers, .neurons, .heads, .hidden] {
        switch amounts[part] {
        case .share(let share)?:
          guard share > 0, share <= 1 else {
            throw .request("share: found \(share), expected a share above 0 and up to 1, such as 0.5")
          }
          take(share, of: [part], config)
        case .count(let count)?: counts[part] = count
        case nil: break
        }
      }
      // Heads follow the hidden features where these alone are cut, as with sizes.
      let fitting =
        amounts[.hidden] == nil
        ? heads : min(heads, (counts.hiddenSize ?? hiddenSize) / max(1, config.headSize))
      layers = counts.layers ?? layers
      hiddenSize = counts.hiddenSize ?? hiddenSize
      heads = counts.heads ?? fitting
      intermediateSize = counts.intermediateSize ?? intermediateSize
      try check(counts, of: config, whole: whole)
    case .megabytes(let megabytes, let parts):
      try Self.check(parts)
      let shares = (1...200).map { Double($0) / 200 }
      let fitting = shares.last { share in
        var sizes = whole
        sizes.take(share, of: parts, config)
        return sizes.parameterEstimate(config) * 4 <= megabytes * 1e6
      }
      guard let fitting else {
        var least = whole
        least.take(shares[0], of: parts, config)
        let size = (least.parameterEstimate(config) * 4 / 1e5).rounded() / 10
        throw .request(
          "\(megabytes) MB: cutting \(Self.names(parts)) leaves \(size) MB at least; ask for more, or cut other parts too"
        )
      }
      take(fitting, of: parts, config)
    }
  }

  private static func check(_ parts: Set<PrunedPart>) throws(CompressionError) {
    guard parts.isEmpty else { return }
    throw .request("parts: found none, expected some of \(names(Set(PrunedPart.allCases)))")
  }

  private static func names(_ parts: Set<PrunedPart>) -> String {
    PrunedPart.allCases.filter(parts.contains).map(\.rawValue).joined(separator: ", ")
  }

  /// Takes a share of some parts, at least one of each.
  private mutating func take(_ share: Double, of parts: Set<PrunedPart>, _ config: EncoderConfig) {
    func part(_ count: Int, _ unit: Int = 1) -> Int {
      guard count > unit else { return count }
      return min(count, max(unit, Int((share * Double(count) / Double(unit)).rounded()) * unit))
    }
    if parts.contains(.layers) { layers = part(layers) }
    if parts.contains(.neurons) { intermediateSize = part(intermediateSize, 8) }
    if parts.contains(.heads) { heads = part(heads) }
    if parts.contains(.hidden) {
      hiddenSize = part(hiddenSize, config.headSize)
      heads = min(heads, hiddenSize / config.headSize)
    }
  }

  private func check(_ sizes: PrunedSizes, of config: EncoderConfig, whole: WholeSizes)
    throws(CompressionError)
  {
    for (key, size, most) in [
      (config.architecture.key(\.layerCount), sizes.layers, whole.layers),
      (config.architecture.key(\.hiddenSize), sizes.hiddenSize, whole.hiddenSize),
      (config.architecture.key(\.attentionHeads), sizes.heads, whole.heads),
      (config.architecture.key(\.intermediateSize), sizes.intermediateSize, whole.intermediateSize),
    ] {
      guard let size, !(1...most).contains(size) else { continue }
      throw .request("\(key): found \(size), expected 1 to \(most), the model's own")
    }
    let size = config.headSize
    guard hiddenSize % size == 0, heads * size <= hiddenSize else {
      throw .request(
        "\(config.architecture.key(\.hiddenSize)) \(hiddenSize) and \(heads) heads: heads keep their \(size) features, so the "
          + "hidden size must be a multiple of \(size), and at least \(heads * size) for \(heads) heads")
    }
  }

  /// The sizes at a place between the whole and the target, 0 to 1.
  ///
  /// - Parameters:
  ///   - target: The sizes at the end.
  ///   - left: The part of the way that is left to go, 1 at the beginning.
  func between(_ target: WholeSizes, left: Double, headSize: Int) -> WholeSizes {
    func size(_ path: KeyPath<WholeSizes, Int>, _ unit: Int = 1) -> Int {
      let (from, to) = (self[keyPath: path], target[keyPath: path])
      let steps = Double(from - to) / Double(unit) * left
      return min(from, to + Int(steps.rounded()) * unit)
    }
    var sizes = self
    (sizes.layers, sizes.intermediateSize) = (size(\.layers), size(\.intermediateSize))
    sizes.hiddenSize = size(\.hiddenSize, headSize)
    sizes.heads = min(size(\.heads), sizes.hiddenSize / max(1, headSize))
    return sizes
  }

  /// Whether a model of even layers has these sizes in a form that `transformers` 5 has: heads that fill the hidden features.
  func fillsHidden(headSize: Int) -> Bool { heads * headSize == hiddenSize }

  /// The number of parameters of a model of these sizes, head included by the features that it reads.
  private func parameterEstimate(_ config: EncoderConfig) -> Double {
    var smaller = config
    (smaller.layerCount, smaller.hiddenSize) = (layers, hiddenSize)
    smaller.attentionHeads = max(1, hiddenSize / max(1, config.headSize))
    smaller.intermediateSize = intermediateSize
    smaller.setHeadsForEstimate(heads)
    return smaller.parameterEstimate + Double(hiddenSize * (hiddenSize + 1))
  }
}

extension EncoderConfig {
  /// Takes as many heads in each layer, for an estimate.
  fileprivate mutating func setHeadsForEstimate(_ heads: Int) {
    intermediateSizes = nil
    prunedHeads = [:]
    guard heads < attentionHeads else { return }
    for layer in 0..<layerCount { prunedHeads[layer] = Array(heads..<attentionHeads) }
  }
}
