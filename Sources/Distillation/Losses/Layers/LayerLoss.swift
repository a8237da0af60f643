import Encoders
import Tensors

/// Loss between layers of a student and of a teacher: its formula, what it compares and what it needs of both.
///
/// A new one is a value beside its formula and a line in `MatchLossType.loss`.
package struct LayerLoss: Sendable {
  /// Formula of a loss, by what it compares.
  package enum Formula: Sendable {
    /// Hidden states of one layer, or of two, of each side.
    case hidden(@Sendable (HiddenStates) -> Tensor)
    /// Attention scores of one layer of each side.
    case attention(@Sendable (AttentionScores) -> Tensor)
    /// Relations of the queries, keys and values of one layer of each side: the pairs that are related, under their names.
    case selfAttention([Relation])
    /// Transport between all layers; see `LayerTransport`.
    case transport
  }

  /// Layers of each side that a loss takes.
  package enum Layers: Sendable {
    case one, two, all
  }

  /// Formula.
  package let formula: Formula
  /// Layers of each side.
  package let layers: Layers
  /// Unit that the loss is a mean over; nil where it compares the rows of a batch with each other, so that the parts of a
  /// batch do not add up to it.
  package let unit: LossUnit?
  /// Whether both sides must have one hidden size, by nature or by a projection.
  package private(set) var needsEqualSizes = false
  /// Whether only the first token of each sequence is compared, whose embedding is the same in all of them.
  package private(set) var readsFirstTokens = false
  /// Whether a layer map leaves the last layer to the logits, and divides the weight by the number of pairs.
  package var isMeanOfInnerLayers = false
  /// Whether the change from one layer to another is compared, which must be different layers.
  package var comparesMoves = false
  /// Layers that the method itself compares; nil where they must be given.
  package var standardLayers: [Int]?
  /// Loss that does most nearly the same with any numbers of heads; nil where this one takes any.
  package var lossForUnequalHeads: MatchLossType?
  /// Whether queries, keys and values are split into heads anew; see `RelationHeads`.
  package var splitsHeads = false

  /// A loss by its formula.
  ///
  /// - Parameters:
  ///   - formula: The formula.
  ///   - layers: The layers of each side.
  ///   - unit: What the loss is a mean over; nil for losses over whole batches.
  package init(_ formula: Formula, layers: Layers = .one, mean unit: LossUnit?) {
    (self.formula, self.layers, self.unit) = (formula, layers, unit)
  }

  /// The loss with the need of one hidden size.
  package var needingEqualSizes: LayerLoss {
    var loss = self
    loss.needsEqualSizes = true
    return loss
  }

  /// The loss at first tokens alone.
  package var ofFirstTokens: LayerLoss {
    var loss = self
    loss.readsFirstTokens = true
    return loss
  }

  /// Feature that is compared.
  package var feature: MatchFeature {
    switch formula {
    case .hidden, .transport: .hidden
    case .attention: .attention
    case .selfAttention: .selfAttention
    }
  }

  /// Number of layers of each side that a match names.
  package var layerCount: Int {
    switch layers {
    case .one: 1
    case .two: 2
    case .all: 0
    }
  }

  /// Names of what is related, in the order of their weights.
  package var relations: [String] {
    switch formula {
    case .selfAttention(let relations): relations.map(\.name)
    case .hidden, .attention, .transport: []
    }
  }

  /// Whether one value of each side can be compared, such as a named module's.
  package var comparesSingleValues: Bool {
    switch formula {
    case .hidden: !comparesMoves
    case .attention, .selfAttention, .transport: false
    }
  }
}

/// Feature of the layers that a match compares; TextBrewer's `FEATURES`, and what came after it.
public enum MatchFeature: String, Sendable, Codable, CaseIterable {
  /// The hidden states: layer 0 is the embedding output, layer k the output of block k.
  case hidden
  /// The attention scores before the softmax: layer k belongs to block k.
  case attention
  /// The queries, keys and values of self-attention: layer k belongs to block k.
  case selfAttention = "self_attention"
}

/// Unit of which a loss of a batch is a mean.
package enum LossUnit: CaseIterable, Sendable {
  /// Rows of logits that teacher and student are compared on.
  case answers
  /// Labelled sequences or tokens.
  case targets
  /// Sequences with tokens that are matched.
  case sequences
  /// Tokens that are matched.
  case tokens
  /// Pairs of matched tokens of one sequence.
  case pairs
}

/// Hidden states of both sides on their way into a loss.
package struct HiddenStates {
  /// The student's, one or two of [rows, D], projected.
  package let student: [Tensor]
  /// The teacher's, as many of [rows, D']; constants.
  package let teacher: [Tensor]
  /// Prefix sums of the rows of each sequence, [B + 1].
  package let starts: [Int32]
  /// Program whose arithmetic to follow.
  package let compatibility: Compatibility?
}

/// Attention scores of both sides on their way into a loss.
package struct AttentionScores {
  /// The student's scores of one block.
  package let student: AttentionMaps
  /// The teacher's over the same tokens; constants.
  package let teacher: AttentionMaps
  /// Tokens that count, ascending, as queries and as keys; nil counts all.
  package let rows: [Int32]?
  /// Program whose arithmetic to follow.
  package let compatibility: Compatibility?

  /// The scores between the tokens that count.
  var chosen: (student: AttentionMaps, teacher: AttentionMaps) {
    guard let rows else { return (student, teacher) }
    return (student.restricted(to: rows), teacher.restricted(to: rows))
  }
}

extension LayerLoss {
  /// Loss of hidden states, a scalar; 0 where there is no row.
  ///
  /// - Parameters:
  ///   - student: One or two tensors [rows, D], already projected.
  ///   - teacher: As many [rows, D]; another D where the loss does not need equal sizes.
  ///   - starts: Prefix sums of the rows of each sequence, [B + 1].
  ///   - compatibility: Program whose arithmetic to follow.
  package func ofHiddenStates(
    student: [Tensor], teacher: [Tensor], starts: [Int32], compatibility: Compatibility? = nil
  ) -> Tensor {
    guard case .hidden(let formula) = formula else {
      preconditionFailure("A loss of \(feature.rawValue) does not compare hidden states of layers.")
    }
    precondition(
      student.count == layerCount && teacher.count == layerCount,
      "The loss takes \(layerCount) layers a side.")
    if starts.last == 0 { return Tensor(0) }
    let first = { (x: Tensor) in
      readsFirstTokens ? x.rows(at: zip(starts, starts.dropFirst()).filter { $0 < $1 }.map { $0.0 }) : x
    }
    return formula(
      HiddenStates(
        student: student.map(first), teacher: teacher.map { first($0.detached) }, starts: starts,
        compatibility: compatibility))
  }

  /// Loss of attention scores, a scalar; 0 where no token counts.
  ///
  /// - Parameters:
  ///   - student: The student's scores of one block.
  ///   - teacher: The teacher's scores of one block over the same tokens.
  ///   - rows: The tokens that count, ascending, as queries and as keys; nil counts all.
  ///   - compatibility: Program whose arithmetic to follow.
  package func ofAttention(
    student: AttentionMaps, teacher: AttentionMaps, rows: [Int32]? = nil, compatibility: Compatibility? = nil
  ) -> Tensor {
    guard case .attention(let formula) = formula else {
      preconditionFailure("A loss of \(feature.rawValue) does not compare attention scores.")
    }
    precondition(
      student.keyStarts == teacher.keyStarts && student.queryStarts == teacher.queryStarts,
      "Attention can only be compared over the same tokens.")
    precondition(
      lossForUnequalHeads == nil || student.heads == teacher.heads,
      "The loss needs equal head counts, found \(student.heads) and \(teacher.heads).")
    if rows?.isEmpty == true { return Tensor(0) }
    return formula(
      AttentionScores(
        student: student, teacher: teacher.detached, rows: rows, compatibility: compatibility))
  }
}
