public import Encoders
import Kernels
import ModelFormats
public import TaskData
import Tensors
public import Tokenization

/// What the answers in a cache depend on: fingerprints of the teacher's weights, of its tokenizer and of the token ids.
public struct CacheKey: Sendable, Equatable {
  /// The teacher's sizes and weights.
  public var teacher: String
  /// The teacher's tokenizer; nil where it is not known, which leaves it to the ids.
  public var tokenizer: String?
  /// Ids and segments of every example in order; labels do not matter.
  public var data: String

  /// The key of a teacher over a data set, both at hand.
  public init(teacher: TaskModel, tokenizer: (any Tokenizer)? = nil, examples: [EncodedExample]) {
    self.init(
      teacher: Self.fingerprint(of: teacher), tokenizer: tokenizer.map(Self.fingerprint),
      data: Self.fingerprint(of: examples))
  }

  init(teacher: String, tokenizer: String?, data: String) {
    (self.teacher, self.tokenizer, self.data) = (teacher, tokenizer, data)
  }

  /// The sizes and weights of a teacher.
  package static func fingerprint(of teacher: TaskModel) -> String {
    var fingerprint = Fingerprint()
    let config = teacher.config
    fingerprint.add("\(config.architecture) \(config.head) \(config.attentionHeads) \(config.activation)")
    for parameter in teacher.parameters {
      fingerprint.add(parameter.name)
      fingerprint.add(parameter.storage)
    }
    return fingerprint.text
  }

  static func fingerprint(of examples: [EncodedExample]) -> String {
    var fingerprint = Fingerprint()
    fingerprint.add(UInt64(examples.count))
    for example in examples {
      fingerprint.add(example.ids)
      fingerprint.add(example.segments)
    }
    return fingerprint.text
  }

  /// The vocabulary, the added tokens, and what becomes of a text that most settings cut differently.
  package static func fingerprint(of tokenizer: any Tokenizer) -> String {
    var fingerprint = Fingerprint()
    for token in tokenizer.vocabulary.tokens { fingerprint.add(token) }
    for token in tokenizer.addedTokens { fingerprint.add(token.content) }
    let probe = "  A naïve TEST, don't: ＡＢ 北京abc 12.5 e\u{301}\u{200B}[MASK]<mask>\t😀"
    let (ids, segments) = tokenizer.encodeIDs(probe, pair: "B b")
    fingerprint.add(ids)
    fingerprint.add(segments)
    return fingerprint.text
  }
}
