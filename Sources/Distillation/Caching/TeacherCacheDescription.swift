public import Datasets
public import Encoders
import Kernels
public import ModelFormats
import Tensors
public import Tokenization

/// Description of a cache on disk: the teacher and the kept rows, enough to train students where the teacher is not.
public struct TeacherCacheDescription: Sendable, Equatable {
  /// Name of the teacher in messages.
  public let teacherName: String
  /// The teacher's `config.json`: sizes, head and labels.
  public let teacherConfig: JSONValue
  /// The number of the teacher's parameters.
  public let parameterCount: Int
  /// Numbers that the teacher's weights were held in while it answered.
  public let precision: TeacherPrecision
  /// The teacher's scores if they are known, as `eval_results.json` names them.
  public let teacherResults: JSONObject
  /// The longest example that was let through, in tokens, if that is known.
  public let maxLength: Int?
  /// Fingerprints of everything that the answers depend on.
  public let key: CacheKey
  /// The rows kept of each example, in their order.
  public let parts: [CachedPart]
  /// The tokens of each example.
  public let lengths: [Int]
  /// Whether a run made it for itself, and removes it at its end.
  public private(set) var isTemporary = false

  /// This description of a cache that a run makes for itself.
  var temporary: TeacherCacheDescription {
    var copy = self
    copy.isTemporary = true
    return copy
  }

  /// The description of a teacher's answers to a data set.
  ///
  /// - Parameters:
  ///   - teacher: The teacher.
  ///   - name: What messages call it.
  ///   - tokenizer: Its tokenizer, if it is known.
  ///   - examples: The data set.
  ///   - parts: What shall be kept of each example.
  ///   - maxLength: The longest example that was let through, if that is known.
  ///   - results: The teacher's scores, if they are known.
  public init(
    teacher: TaskModel, name: String, tokenizer: (any Tokenizer)? = nil, examples: some ExampleRows,
    parts: [CachedPart], maxLength: Int? = nil, results: JSONObject = JSONObject()
  ) {
    self.init(
      fingerprint: CacheKey.fingerprint(of: teacher), of: teacher, name: name, tokenizer: tokenizer,
      examples: examples, parts: parts,
      maxLength: maxLength, results: results)
  }

  /// The description of answers of a teacher whose fingerprint is known.
  init(
    fingerprint: String, of teacher: TaskModel, name: String, tokenizer: (any Tokenizer)?,
    examples: some ExampleRows, parts: [CachedPart], maxLength: Int? = nil, results: JSONObject = JSONObject()
  ) {
    teacherName = name
    teacherConfig = teacher.config.json
    parameterCount = teacher.parameterCount
    precision = TeacherPrecision(of: teacher)
    teacherResults = results
    self.maxLength = maxLength
    key = CacheKey(
      teacher: fingerprint, tokenizer: tokenizer.map(CacheKey.fingerprint),
      data: CacheKey.fingerprint(of: examples))
    self.parts = Self.ordered(parts)
    lengths = examples.encodedExamples.lengths
  }

  /// The teacher's configuration.
  ///
  /// - Throws: `ModelError.configuration`.
  public func config() throws(ModelError) -> EncoderConfig {
    try EncoderConfig(json: teacherConfig, file: "the cache of \(teacherName)")
  }

  /// The bytes that the answers take on disk.
  public var byteCount: Int { Self.byteCount(of: parts, lengths: lengths) }

  /// The bytes that the answers to examples of some lengths take on disk.
  public static func byteCount(of parts: [CachedPart], lengths: [Int]) -> Int {
    lengths.reduce(0) { $0 + recordBytes(parts, length: $1) + Self.bytesPerExample }
  }

  /// Logits before features, each by number.
  private static func ordered(_ parts: [CachedPart]) -> [CachedPart] {
    CachedPart.Kind.allCases.flatMap { kind in
      parts.filter { $0.kind == kind }.sorted { $0.index < $1.index }
    }
  }

  /// The checksum and the length of an example.
  private static let bytesPerExample = 12

  /// The bytes of an example's rows, filled up to whole words.
  static func recordBytes(_ parts: [CachedPart], length: Int) -> Int {
    RecordLayout.wholeWords(parts.reduce(0) { $0 + $1.byteCount(of: length) })
  }
}

extension TeacherCacheDescription {
  var json: JSONValue {
    var object = JSONObject()
    object["teacher"] = .string(teacherName)
    object["config"] = teacherConfig
    object["parameters"] = .integer(parameterCount)
    if precision != .float32 { object["precision"] = .string(precision.rawValue) }
    object["results"] = .object(teacherResults)
    object["max_length"] = maxLength.map { .integer($0) } ?? .null
    object["fingerprints"] = [
      "teacher": .string(key.teacher), "tokenizer": key.tokenizer.map { .string($0) } ?? .null,
      "data": .string(key.data),
    ]
    object["parts"] = .array(parts.map(\.json))
    object["examples"] = .integer(lengths.count)
    if isTemporary { object["temporary"] = true }
    return .object(object)
  }

  /// The head of a new file.
  var head: RecordHead { RecordHead(json, lengths: lengths) }

  /// The layout of a file that begins with a head of this description.
  func layout(behind head: RecordHead) -> RecordLayout {
    RecordLayout(head, recordBytes: lengths.map { Self.recordBytes(parts, length: $0) })
  }

  /// Whether parts and lengths ask for a file that there can be; sizes of others are beyond whole numbers.
  private static func canBe(_ parts: [CachedPart], _ lengths: [Int]) -> Bool {
    // A record's bytes are those of one row and, for each token, those of a row.
    let fixed = parts.reduce(0.0) { $0 + ($1.hasOneRow ? Double($1.rowBytes) : 0) }
    let ofToken = parts.reduce(0.0) { $0 + ($1.hasOneRow ? 0 : Double($1.rowBytes)) }
    let tokens = lengths.reduce(0.0) { $0 + Double($1) }
    return parts.count <= 4096 && fixed * Double(lengths.count) + ofToken * tokens < 0x1p60
  }

  /// Reads what `json` gave; nil when something is missing.
  init?(json: JSONValue, lengths: [Int]) {
    guard let name = json["teacher"]?.stringValue, let config = json["config"],
      let count = json["parameters"]?.intValue, let results = json["results"]?.objectValue,
      let teacher = json["fingerprints"]?["teacher"]?.stringValue,
      let data = json["fingerprints"]?["data"]?.stringValue, let entries = json["parts"]?.arrayValue
    else { return nil }
    let parts = entries.compactMap(CachedPart.init(json:))
    guard let precision = TeacherPrecision(rawValue: json["precision"]?.stringValue ?? "float32") else {
      return nil
    }
    self.precision = precision
    guard parts.count == entries.count, !parts.isEmpty, Self.canBe(parts, lengths) else { return nil }
    (teacherName, teacherConfig, parameterCount) = (name, config, count)
    (teacherResults, maxLength) = (results, json["max_length"]?.intValue)
    key = CacheKey(
      teacher: teacher, tokenizer: json["fingerprints"]?["tokenizer"]?.stringValue, data: data)
    (self.parts, self.lengths) = (parts, lengths)
    isTemporary = json["temporary"]?.boolValue ?? false
  }
}

/// Key of the answers in a cache: fingerprints of the teacher's weights, of its tokenizer and of the token ids.
public struct CacheKey: Sendable, Equatable {
  /// The teacher's sizes and weights.
  public var teacher: String
  /// The teacher's tokenizer; nil where it is not known, which leaves it to the ids.
  public var tokenizer: String?
  /// Ids and segments of every example in order; labels do not matter.
  public var data: String

  /// The key of a teacher over a data set, both at hand.
  public init(teacher: TaskModel, tokenizer: (any Tokenizer)? = nil, examples: some ExampleRows) {
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

  static func fingerprint(of examples: some ExampleRows) -> String {
    let examples = examples.encodedExamples
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
