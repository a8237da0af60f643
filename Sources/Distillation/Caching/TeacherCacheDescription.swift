public import Encoders
public import ModelFormats
public import TaskData
public import Tokenization

/// What a cache on disk holds and of whom: enough to train students where the teacher is not.
public struct TeacherCacheDescription: Sendable, Equatable {
  /// What messages call the teacher.
  public let teacherName: String
  /// The teacher's `config.json`: sizes, head and labels.
  public let teacherConfig: JSONValue
  /// The number of the teacher's parameters.
  public let parameterCount: Int
  /// The teacher's scores if they are known, as `eval_results.json` names them.
  public let teacherResults: JSONObject
  /// The longest example that was let through, in tokens, if that is known.
  public let maxLength: Int?
  /// What the answers depend on.
  public let key: CacheKey
  /// The rows kept of each example, in their order.
  public let parts: [CachedPart]
  /// The tokens of each example.
  public let lengths: [Int]

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
    teacher: TaskModel, name: String, tokenizer: (any Tokenizer)? = nil, examples: [EncodedExample],
    parts: [CachedPart], maxLength: Int? = nil, results: JSONObject = JSONObject()
  ) {
    self.init(
      LiveTeacher(teacher), of: teacher, name: name, tokenizer: tokenizer, examples: examples, parts: parts,
      maxLength: maxLength, results: results)
  }

  /// The description of answers of a teacher whose fingerprint may be known.
  init(
    _ live: LiveTeacher, of teacher: TaskModel, name: String, tokenizer: (any Tokenizer)?,
    examples: [EncodedExample], parts: [CachedPart], maxLength: Int? = nil, results: JSONObject = JSONObject()
  ) {
    teacherName = name
    teacherConfig = teacher.config.json
    parameterCount = teacher.parameterCount
    teacherResults = results
    self.maxLength = maxLength
    key = CacheKey(
      teacher: live.fingerprint, tokenizer: tokenizer.map(CacheKey.fingerprint),
      data: CacheKey.fingerprint(of: examples))
    self.parts = Self.ordered(parts)
    lengths = examples.map(\.length)
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
    (parts.reduce(0) { $0 + $1.byteCount(of: length) } + 7) & ~7
  }
}

extension TeacherCacheDescription {
  var json: JSONValue {
    var object = JSONObject()
    object["teacher"] = .string(teacherName)
    object["config"] = teacherConfig
    object["parameters"] = .integer(parameterCount)
    object["results"] = .object(teacherResults)
    object["max_length"] = maxLength.map { .integer($0) } ?? .null
    object["fingerprints"] = [
      "teacher": .string(key.teacher), "tokenizer": key.tokenizer.map { .string($0) } ?? .null,
      "data": .string(key.data),
    ]
    object["parts"] = .array(parts.map(\.json))
    object["examples"] = .integer(lengths.count)
    return .object(object)
  }

  /// Reads what `json` gave; nil when something is missing.
  init?(json: JSONValue, lengths: [Int]) {
    guard let name = json["teacher"]?.stringValue, let config = json["config"],
      let count = json["parameters"]?.intValue, let results = json["results"]?.objectValue,
      let teacher = json["fingerprints"]?["teacher"]?.stringValue,
      let data = json["fingerprints"]?["data"]?.stringValue, let entries = json["parts"]?.arrayValue
    else { return nil }
    let parts = entries.compactMap(CachedPart.init(json:))
    guard parts.count == entries.count, !parts.isEmpty else { return nil }
    (teacherName, teacherConfig, parameterCount) = (name, config, count)
    (teacherResults, maxLength) = (results, json["max_length"]?.intValue)
    key = CacheKey(
      teacher: teacher, tokenizer: json["fingerprints"]?["tokenizer"]?.stringValue, data: data)
    (self.parts, self.lengths) = (parts, lengths)
  }
}
