import Datasets
public import Encoders
import Foundation
public import Tasks
public import Tensors
import Tokenization
import Training

/// Answers of a model to a batch: logits with what they mean, and inner values by the names of their taps.
///
/// A model gives them, a file, or a closure of one's own. A teacher's answers are constants; a student's are on the context's
/// tape and hold its losses too.
public struct Answers {
  /// Logits of one teacher with its share in a mean of losses.
  public struct Opinion {
    /// Share among all opinions; they add up to 1.
    public var share: Double
    /// Logits, as `Answers.logits`.
    public var logits: [Tensor]
  }

  /// Opinions that the losses are a mean over: one, but for an ensemble whose losses are averaged.
  public var opinions: [Opinion]
  /// Meaning of the logits; the student's counts.
  public var logitsKind: LogitsKind
  /// Rows of the logits that count, one list for all logits or one for each; nil counts every row.
  public var logitRows: [[Int32]]?
  /// Labels for `probability_shift` and `dkd`, one per counted row (of positions: per sequence) of each of the student's
  /// logits; negative: none.
  public var labels: [[Int32]]
  /// Losses of the student, each a scalar; their sum is weighted by `hard_label_weight`.
  public var losses: [Tensor]
  /// Inner values by the names of their taps, such as `encoder.layer.3`.
  public var values: [String: Tensor]
  /// Attention maps by the names of their taps, such as `encoder.layer.3.attention.scores`.
  public var maps: [String: AttentionMaps]
  /// Tokens whose values are matched; nil matches all.
  public var rows: [Int32]?
  /// Rows of the student that the answers are to, where the teacher reads other tokens; nil where both read the same.
  var counterparts: Counterparts?

  /// Rows of a student for which a teacher of other tokens has answers.
  struct Counterparts {
    /// Rows of the student's logits; nil: all.
    var logits: [Int32]?
    /// Tokens of the student; nil: all.
    var tokens: [Int32]?
  }

  /// Answers; leave out what nothing asks for.
  public init(
    logits: [Tensor] = [], logitsKind: LogitsKind = .classes, logitRows: [[Int32]]? = nil,
    labels: [[Int32]] = [], losses: [Tensor] = [], values: [String: Tensor] = [:],
    maps: [String: AttentionMaps] = [:], rows: [Int32]? = nil
  ) {
    opinions = [Opinion(share: 1, logits: logits)]
    (self.logitsKind, self.logitRows) = (logitsKind, logitRows)
    (self.labels, self.losses) = (labels, losses)
    (self.values, self.maps, self.rows) = (values, maps, rows)
  }

  /// Answers that are probabilities of classes, such as another program's.
  ///
  /// The logits are log p, which a softmax at temperature 1 turns back into p; a probability below 1e-8 counts as 1e-8.
  ///
  /// - Parameter probabilities: A row of classes for each sequence, or token, of the batch, all of one length.
  public init(probabilities: [[Double]]) {
    let width = probabilities.first?.count ?? 0
    precondition(
      probabilities.allSatisfy { $0.count == width },
      "Every row needs a probability for each of \(width) classes.")
    let logits = probabilities.joined().map { Float(log(max($0, 1e-8))) }
    self.init(logits: [Tensor(logits, shape: [probabilities.count, width])])
  }

  /// Logits that are compared one by one with the other side's, each [rows, classes] or as `logitsKind` says; of several
  /// opinions the first one's.
  public var logits: [Tensor] {
    get { opinions[0].logits }
    set { opinions = [Opinion(share: 1, logits: newValue)] }
  }

  /// Adds what taps have kept and nobody has set.
  mutating func add(_ taps: Taps) {
    values.merge(taps.values) { given, _ in given }
    maps.merge(taps.maps) { given, _ in given }
  }

  /// Refuses rows that an adaptor chose, where alignment chooses them.
  func refuseRows(side: String) throws(DistillationError) {
    guard rows == nil, logitRows == nil else {
      throw .adaptor(
        side: side, field: "rows",
        message:
          "teacher and student read different tokens, whose rows are chosen by alignment; leave them nil")
    }
  }

  /// A student's answers over the rows that a teacher's are to.
  ///
  /// - Parameter teacher: The teacher's answers.
  /// - Throws: `DistillationError.adaptor` when rows were chosen that alignment chooses.
  package mutating func choose(like teacher: Answers) throws(DistillationError) {
    guard let counterparts = teacher.counterparts else { return }
    try refuseRows(side: "student")
    if let rows = counterparts.logits {
      let count = logits.first.map { $0.shape[0] }
      labels = labels.map { labels in labels.count == count ? rows.map { labels[Int($0)] } : labels }
      logitRows = [rows]
    }
    self.rows = counterparts.tokens
  }
}

/// Adaptor: a function that turns a batch and a model's output into answers; TextBrewer's adaptor.
///
/// The context is the pass the output belongs to: losses must be computed in it. Its taps hold the inner values that are asked
/// for; a distiller adds them to the answers.
public typealias Adaptor = (Batch, ModelOutput, Context) throws -> Answers

/// Adaptors that fit most runs.
public enum Adaptors {
  /// For a student that classifies sequences: logits, labels, cross-entropy of the labelled sequences.
  public static func classification(
    _ batch: Batch, _ output: ModelOutput, _ context: Context
  ) -> Answers {
    supervised(features(batch, output, context), by: ClassTargets(batch.labels), batch, output, context)
  }

  /// For a teacher with one list of logits, rows of classes: these, no loss.
  public static func features(
    _ batch: Batch, _ output: ModelOutput, _ context: Context
  ) -> Answers {
    Answers(logits: [output.logits])
  }

  /// For a teacher that answers questions: start and end scores, each a distribution over the tokens of its sequence, no
  /// loss.
  public static func answers(
    _ batch: Batch, _ output: ModelOutput, _ context: Context
  ) -> Answers {
    let form = LogitsForm.positions
    return Answers(
      logits: form.parts(of: output.logits), logitsKind: form.kind(starts: batch.tokens.starts))
  }

  /// For a teacher with a configuration: its logits, as its family of tasks compares them, no loss.
  public static func teacher(of config: EncoderConfig) -> Adaptor {
    let form = config.taskFamily.form
    return { batch, output, _ in
      Answers(
        logits: form.parts(of: output.logits), logitsKind: form.kind(starts: batch.tokens.starts))
    }
  }

  /// For a student with a configuration: what fits such a teacher, and the loss of what is labelled.
  public static func student(of config: EncoderConfig) -> Adaptor {
    let family = config.taskFamily
    return student(of: config) { family.targets(of: $0) }
  }

  /// For a student whose targets come from elsewhere than the batch.
  package static func student(
    of config: EncoderConfig, loss: HardLabelLoss = .plain, targets: @escaping (Batch) -> any TaskTargets
  ) -> Adaptor {
    let read = teacher(of: config)
    return { batch, output, context in
      supervised(try read(batch, output, context), by: targets(batch), learning: loss, batch, output, context)
    }
  }

  /// Answers with the loss and labels of some targets.
  private static func supervised(
    _ answers: Answers, by targets: any TaskTargets, learning loss: HardLabelLoss = .plain, _ batch: Batch,
    _ output: ModelOutput, _ context: Context
  ) -> Answers {
    var answers = answers
    answers.losses = [targets.loss(output.logits, starts: batch.tokens.starts, by: loss)]
    answers.labels = targets.classes
    return answers
  }
}
