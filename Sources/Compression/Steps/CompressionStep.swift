import Datasets
import Encoders
import ModelFormats

/// Step of a compression as it is written: what is made smaller and how much of it stays, such as `ffn=50%` or `layers=3`.
///
/// | text | step |
/// |---|---|
/// | `layers`, `hidden`, `heads`, `ffn` | structured pruning of whole layers, hidden features, heads of attention, feed-forward neurons |
/// | `vocab` | tokens that the texts never use are cut; `vocab=5` keeps those that occur five times, `vocab=en+zh` those of languages too |
/// | `low_rank` | matrices become two thin ones with this share of their values, or of this rank |
/// | `int8` | matrices become 8-bit integers |
///
/// An amount is a share (`50%`, `0.5`) or a number (`ffn=512`); a step without one is given its amount by a target.
public struct CompressionStep: Sendable, Hashable, CustomStringConvertible {
  /// Kind of a step.
  public enum Kind: String, Sendable, CaseIterable {
    /// Whole layers.
    case layers
    /// Hidden features, the same in every layer, as whole heads.
    case hidden
    /// Heads of attention.
    case heads
    /// Neurons between the two feed-forward products.
    case ffn
    /// Rows of the word table, with the tokenizer.
    case vocab
    /// Matrices as the products of two thin ones.
    case lowRank = "low_rank"
    /// Matrices in 8-bit integers.
    case int8

    /// The part that structured pruning cuts; nil for another method.
    public var part: PrunedPart? {
      switch self {
      case .layers: .layers
      case .hidden: .hidden
      case .heads: .heads
      case .ffn: .neurons
      case .vocab, .lowRank, .int8: nil
      }
    }

    /// Whether a step of the kind needs an amount, which a target can give it.
    public var needsAmount: Bool { part != nil || self == .lowRank }
  }

  /// Kind of what is made smaller.
  public var kind: Kind
  /// Amount that stays; nil leaves it to a target, or says that the step has none.
  public var amount: PrunedAmount?

  /// Languages whose tokens stay, of `vocab` alone.
  public var languages: [Language] = []

  /// A step with what it leaves.
  public init(_ kind: Kind, leaving amount: PrunedAmount? = nil) { (self.kind, self.amount) = (kind, amount) }

  /// Reads a step.
  ///
  /// - Throws: `CompressionError.request` naming what was found and expected.
  public init(_ text: String) throws(CompressionError) {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      .map { $0.trimmingPrefix { $0 == " " }.filter { $0 != " " } }
    let name = String(parts.first ?? "")
    guard let kind = Kind(rawValue: name.lowercased()) else {
      let names = Kind.allCases.map(\.rawValue)
      throw .request(
        "step \"\(printable(text, atMost: 60))\": "
          + (suggestion(for: name, among: names).map { "did you mean \($0)?" }
            ?? "expected one of \(names.joined(separator: ", "))"))
    }
    self.kind = kind
    guard parts.count > 1 else { return }
    let amount = PrunedAmount(String(parts[1]))
    switch (kind, amount) {
    case (.layers, let amount?), (.hidden, let amount?), (.heads, let amount?), (.ffn, let amount?),
      (.lowRank, let amount?):
      self.amount = amount
    case (.vocab, .count(let count)?): self.amount = .count(count)
    case (.vocab, _): languages = try Self.languages(String(parts[1]), of: text)
    case (.int8, _): throw .request("step \"\(printable(text, atMost: 60))\": int8 has no amount")
    case (.layers, nil), (.hidden, nil), (.heads, nil), (.ffn, nil), (.lowRank, nil):
      throw .request(
        "step \"\(printable(text, atMost: 60))\": expected a share above 0 and up to 1 such as 50% or 0.5, or a whole number from 1"
      )
    }
  }

  /// Reads the languages of a step such as `vocab=en+zh`.
  private static func languages(_ codes: String, of text: String) throws(CompressionError) -> [Language] {
    var languages: [Language] = []
    for code in codes.split(separator: "+", omittingEmptySubsequences: false) {
      guard let language = Language(String(code)) else {
        throw .request(
          "step \"\(printable(text, atMost: 60))\": found \"\(printable(String(code), atMost: 20))\", expected the number of times "
            + "that a token must occur, such as vocab=5, or languages such as vocab=en+zh "
            + "(\(Language.codes.joined(separator: " ")))")
      }
      if !languages.contains(language) { languages.append(language) }
    }
    return languages
  }

  /// Reads steps between commas.
  ///
  /// - Throws: `CompressionError.request` for what is no step, and for a kind given twice.
  public static func list(_ text: String) throws(CompressionError) -> [CompressionStep] {
    var steps: [CompressionStep] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let step = try CompressionStep(String(part))
      guard !steps.contains(where: { $0.kind == step.kind }) else {
        throw .request("steps \"\(printable(text, atMost: 120))\": \(step.kind.rawValue) is given twice")
      }
      steps.append(step)
    }
    return steps
  }

  /// The step as it is written.
  public var description: String {
    let codes = languages.map(\.code).joined(separator: "+")
    return kind.rawValue + (amount.map { "=\($0)" } ?? (codes.isEmpty ? "" : "=" + codes))
  }
}

extension CompressionStep {
  /// Target of a step of low rank that has its amount.
  package var lowRankTarget: LowRankTarget {
    switch amount {
    case .share(let share)?: .share(share)
    case .count(let rank)?: .rank(rank)
    case nil: preconditionFailure("\(self) has no amount, and was given one before.")
    }
  }
}

/// Ways of a compression that are the same in all of its steps.
public struct CompressionWays: Sendable, Equatable {
  /// Measure of what pruned parts matter.
  public var measure: ImportanceMeasure
  /// Form in which pruned models come out.
  public var form: PrunedForm
  /// Texts that a smaller vocabulary shall spell, each part of a pair by itself.
  public var texts: [String]
  /// Rule by which errors of low rank are weighted.
  public var weighting: LowRankWeighting
  /// Matrices that stay floats, as `TaskModel.quantized(keeping:)` names them.
  public var keeping: [String]

  /// Ways; labels measure what matters, outputs of layers weight errors, and pruned models come out as `transformers` loads them.
  public init(
    measure: ImportanceMeasure = .labels, form: PrunedForm = .loadable, texts: [String] = [],
    weighting: LowRankWeighting = .whitened, keeping: [String] = []
  ) {
    (self.measure, self.form, self.texts) = (measure, form, texts)
    (self.weighting, self.keeping) = (weighting, keeping)
  }
}

extension [CompressionStep] {
  /// The methods of steps that all have their amounts; parts that structured pruning cuts one after the other are cut in one shot.
  ///
  /// - Throws: `CompressionError.request` for a pruning without an amount.
  public func methods(_ ways: CompressionWays) throws(CompressionError) -> [any CompressionMethod] {
    var methods: [any CompressionMethod] = []
    var parts: [PrunedPart: PrunedAmount] = [:]
    func prune() {
      guard !parts.isEmpty else { return }
      methods.append(StructuredPruning(to: .parts(parts), by: ways.measure, form: ways.form))
      parts = [:]
    }
    for step in self {
      if step.kind.needsAmount, step.amount == nil {
        throw .request("\(step): expected how much stays, such as \(step)=50%")
      }
      if let part = step.kind.part, let amount = step.amount {
        parts[part] = amount
        continue
      }
      prune()
      switch step.kind {
      case .vocab:
        var count = 1
        if case .count(let least)? = step.amount { count = least }
        methods.append(
          VocabularyCutting(to: ways.texts, languages: Set(step.languages), minCount: count))
      case .lowRank: methods.append(LowRank(to: step.lowRankTarget, by: ways.weighting))
      case .int8: methods.append(Quantization(keeping: ways.keeping))
      case .layers, .hidden, .heads, .ffn:
        preconditionFailure("\(step) prunes a part, and was taken before.")
      }
    }
    prune()
    return methods
  }
}

extension CompressedModel {
  /// The model after some methods, one after the other.
  ///
  /// - Parameters:
  ///   - methods: The methods.
  ///   - rows: Rows for those that need some; made anew for a tokenizer by `encode` once it was cut.
  ///   - encode: Rows as the model so far reads them.
  /// - Throws: What the methods throw.
  public func applying(
    _ methods: [any CompressionMethod], rows encode: (CompressedModel) throws -> CompressionRows
  ) throws -> CompressedModel {
    var model = self
    for method in methods { model = try method(model, rows: method.needsRows ? try encode(model) : nil) }
    return model
  }
}
