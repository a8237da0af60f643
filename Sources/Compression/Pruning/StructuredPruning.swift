public import Encoders
import ModelFormats

/// Form in which a pruned model comes out.
public enum PrunedForm: Sendable, Equatable {
  /// Layers that are alike, with heads that fill the hidden features, so that `transformers` loads the folder; other requests are refused.
  case loadable
  /// Any sizes, kept in `config.json` layer by layer (`pruned_heads`, `intermediate_sizes`), which Potstill reads and its ONNX
  /// files need not say. `transformers` 4 reads `pruned_heads`; for version 5 there is `TaskModel.padded()`.
  case compact
  /// Zeros in place of heads, and of neurons where layers would differ, so that the folder loads anywhere; these cuts make it
  /// neither smaller nor faster (TextPruner's `keep_shape`).
  case padded
}

/// Structured pruning: heads, feed-forward neurons, hidden features and layers that matter least are cut, in one shot.
///
/// ```swift
/// let pruning = StructuredPruning(to: .share(0.5, of: [.neurons, .hidden]))
/// let smaller = try pruning(model, rows: CompressionRows(data.examples))
/// print(smaller.reports[0])
/// try smaller.model.save(to: folder, tokenizer: tokenizer)
/// ```
public struct StructuredPruning: CompressionMethod {
  /// Sizes to reach.
  public var target: PruningTarget
  /// Measure of what matters.
  public var measure: ImportanceMeasure
  /// Rule by which heads and neurons compete.
  public var masks: PruningMasks
  /// Form of the result.
  public var form: PrunedForm

  /// Pruning to a target; even masks and a folder that `transformers` loads unless told otherwise.
  public init(
    to target: PruningTarget, by measure: ImportanceMeasure = .labels, masks: PruningMasks = .even,
    form: PrunedForm = .loadable
  ) {
    (self.target, self.measure, self.masks, self.form) = (target, measure, masks, form)
  }

  /// The name `prune`.
  public var name: String { "prune" }
  /// True: importance is measured on rows.
  public var needsRows: Bool { true }

  /// Measures importance on rows and cuts.
  ///
  /// - Throws: `CompressionError` for a target that cannot be, before rows are looked at.
  public func callAsFunction(_ model: CompressedModel, rows: CompressionRows?) throws -> CompressedModel {
    let sizes = try sizes(of: model.model.config)
    let rows = try required(rows)
    let importance = try Importance(of: model.model, on: rows, by: measure)
    let pruned = try cut(model.model, to: sizes, by: importance)
    return try finish(model, pruned, rows: rows)
  }

  /// The configuration that the result will have where masks are even, without looking at rows.
  ///
  /// - Throws: `CompressionError.request` for what cannot be.
  public func plan(for config: EncoderConfig) throws(CompressionError) -> EncoderConfig {
    let sizes = try sizes(of: config)
    var slice = ModelSlice(of: config, layers: Array(0..<sizes.layers))
    slice.features = Array(0..<sizes.hiddenSize)
    for layer in slice.layers {
      slice.heads[layer] = Array(slice.heads[layer].prefix(sizes.heads))
      slice.neurons[layer] = Array(slice.neurons[layer].prefix(sizes.intermediateSize))
    }
    return try Self.model { () throws(ModelError) in try config.keeping(slice) }
  }

  /// The sizes to reach, checked against a model and the form asked for.
  func sizes(of config: EncoderConfig) throws(CompressionError) -> WholeSizes {
    guard config.canTakeLayers(of: config) else {
      throw .request(
        "\(name): a model of type \(config.architecture.rawValue) has no heads, neurons and layers that could be cut; "
          + "a Transformer has")
    }
    if case .uneven(let multiple) = masks, multiple < 1 {
      throw .request("multiple_of: found \(multiple), expected a whole number from 1")
    }
    let sizes = try WholeSizes(target, of: config)
    guard form == .loadable else { return sizes }
    let ways =
      "choose the form compact, which Potstill reads and exports as ONNX, or padded, which loads anywhere but is no smaller"
    if masks != .even {
      throw .request(
        "uneven masks: transformers builds every layer alike; take even masks, or \(ways)")
    }
    guard sizes.fillsHidden(headSize: config.headSize) else {
      throw .request(
        "\(sizes.heads) heads of \(config.headSize) features with a hidden size of \(sizes.hiddenSize): transformers 5 gives "
          + "each head hidden_size / num_attention_heads features, so heads go only together with hidden features; cut both "
          + "(\(config.architecture.key(\.hiddenSize)) \(sizes.heads * config.headSize)), or \(ways)")
    }
    return sizes
  }

  /// The model of the parts that matter most.
  func cut(
    _ model: TaskModel, to sizes: WholeSizes, by importance: Importance
  ) throws(CompressionError) -> TaskModel {
    try Self.model { () throws(ModelError) in
      try model.keeping(importance.slice(sizes, of: model.config, masks: masks))
    }
  }

  /// The result in the form asked for, with its report.
  func finish(
    _ before: CompressedModel, _ pruned: TaskModel, rows: CompressionRows
  ) throws(CompressionError) -> CompressedModel {
    try form.finish(
      before, pruned, by: name,
      notes: ["importance by \(measure.rawValue) on \(rows.examples.count) rows"])
  }

  static func model<Result>(_ body: () throws(ModelError) -> Result) throws(CompressionError) -> Result {
    do throws(ModelError) { return try body() } catch { throw .model(error) }
  }
}

extension PrunedForm {
  /// A pruned model in this form, with its report.
  ///
  /// - Throws: `CompressionError.request` for a model that `transformers` cannot build where it shall.
  func finish(
    _ before: CompressedModel, _ pruned: TaskModel, by method: String, notes: [String]
  ) throws(CompressionError) -> CompressedModel {
    var notes = notes
    var result = pruned
    let reason = pruned.config.reasonAgainstTransformers
    switch self {
    case .loadable:
      // Factors are no form of pruning: what was factorised before stays so.
      if let reason, !pruned.isFactorised {
        throw .request("\(reason); choose the form compact or padded")
      }
      notes += [reason].compactMap(\.self).map { unloadable(pruned, $0) }
    case .compact: notes += [reason].compactMap(\.self).map { unloadable(pruned, $0) }
    case .padded:
      result = try StructuredPruning.model { () throws(ModelError) in try pruned.padded() }
      notes.append(
        "zeros stand in place of heads and of uneven neurons: dense kernels are no faster for them")
    }
    return before.becoming(result, by: method, notes: notes)
  }

  private func unloadable(_ pruned: TaskModel, _ reason: String) -> String {
    let form = pruned.isFactorised ? "merged" : "padded"
    return "transformers 5 does not load it: \(reason); its \(form) form loads with equal logits"
  }
}
