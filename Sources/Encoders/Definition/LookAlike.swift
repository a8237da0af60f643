import ModelFormats

/// A key of `config.json` by which models carry the name of a family that they are not of.
///
/// Their authors changed a family's body in code of their own and kept its `model_type`, so that `transformers` without that
/// code, and Potstill, would load the weights and answer nonsense. jina-embeddings-v2 is such a `bert`, jina-embeddings-v3
/// such an `xlm-roberta`.
struct LookAlike: Sendable {
  /// The key, or its beginning.
  let key: String
  /// Whether all keys with this beginning are meant.
  var isPrefix = false
  /// Whether a value says what every family does anyway.
  let isHarmless: @Sendable (JSONValue) -> Bool
  /// End of the sentence about another value, behind `expected`.
  let expected: String

  private init(
    _ key: String, isPrefix: Bool = false, expected: String,
    unless isHarmless: @escaping @Sendable (JSONValue) -> Bool = { $0.isAbsentByAnyName }
  ) {
    (self.key, self.isPrefix, self.isHarmless, self.expected) = (key, isPrefix, isHarmless, expected)
  }

  private static let absolute = "none: positions are rows of a table here"

  /// The keys that are looked at, and what is supported.
  static let known: [LookAlike] = [
    LookAlike("position_embedding_type", expected: "\"absolute\"") { $0.isNull || $0 == "absolute" },
    LookAlike("rope", isPrefix: true, expected: absolute),
    LookAlike("rotary", isPrefix: true, expected: absolute),
    LookAlike("alibi", isPrefix: true, expected: absolute),
    LookAlike("relative_attention", expected: "false: attention has no relative positions here"),
    LookAlike("attention_window", expected: "none: every token attends to all others here"),
    LookAlike("feed_forward_type", expected: "\"original\": gated feed-forward layers are not supported") {
      $0.isNull || $0 == "original"
    },
    LookAlike("prenorm", expected: "false: layers are normalised behind their two halves here"),
    LookAlike("use_task_id", expected: "false: embeddings of tasks are not supported"),
    LookAlike("lora_adaptations", expected: "none: adapters are not supported; merge one into the weights"),
    LookAlike("is_decoder", expected: "false: decoders are not supported"),
    LookAlike("add_cross_attention", expected: "false: decoders are not supported"),
  ]

  /// Beginnings of the names of classes that `auto_map` takes from code in the model's own folder, in place of a family's.
  private static let ownClasses = ["AutoConfig", "AutoModel"]

  /// Notes the keys of a file that say another body than its `model_type`.
  static func note(in object: JSONObject, _ faults: inout ConfigFaults) {
    for look in known {
      for (key, value) in object where look.isPrefix ? key.hasPrefix(look.key) : key == look.key {
        guard !look.isHarmless(value) else { continue }
        faults.note(key, "found \(printable(value.compactText, atMost: 60)), expected \(look.expected)")
      }
    }
    let own = (object["auto_map"]?.objectValue ?? JSONObject()).filter { name, value in
      !value.isNull && ownClasses.contains { name.hasPrefix($0) }
    }
    if let (name, value) = own.first {
      faults.note(
        "auto_map",
        "found \(name) \(printable(value.compactText, atMost: 80)), expected no model of the folder's own code: only the "
          + "families of transformers itself are supported")
    }
  }
}

extension JSONValue {
  /// Whether the value means that there is nothing: null, false, 0, or an empty text, list or object.
  fileprivate var isAbsentByAnyName: Bool {
    if isNull || boolValue == false || doubleValue == 0 { return true }
    return stringValue?.isEmpty ?? arrayValue?.isEmpty ?? objectValue?.isEmpty ?? false
  }
}
