import ModelFormats

extension Dataset where Example == TaggedSentence {
  /// Reads JSON objects, in one of two forms.
  ///
  /// - CLUENER: a text, and for each type the names with their first and last character:
  ///   `{"text": "...", "label": {"name": {"叶老桂": [[9, 11]]}}}`. The characters (Unicode scalars) are the words.
  /// - Hugging Face: a list of words and a list of their tags, as names or by number.
  mutating func addEntityLines(_ piece: RowPiece, _ layout: RowLayout, _ builder: inout SentenceBuilder) {
    JSONRows.forEach(piece, layout.format) { line, object in
      let row = object.flatMap { object -> Result<TaggedSentence, RowFault> in
        do throws(RowFault) {
          let text = try JSONRows.value(layout.textColumn, of: object, line: line)
          var label: JSONValue?
          if builder.split != .unlabelled {
            do throws(RowFault) {
              label = try JSONRows.value(layout.labelColumn, of: object, line: line)
            } catch {
              if builder.split != .test { throw error }
            }
          }
          var repairs: [RowRepair] = []
          let sentence = try Self.sentence(text, label, line, &builder, &repairs)
          report.add(repairs)
          return .success(sentence)
        } catch {
          return .failure(error)
        }
      }
      add(row)
    }
  }

  private static func sentence(
    _ text: JSONValue, _ label: JSONValue?, _ line: Int, _ builder: inout SentenceBuilder,
    _ repairs: inout [RowRepair]
  ) throws(RowFault) -> TaggedSentence {
    if let list = text.arrayValue {
      let words = list.compactMap(\.stringValue)
      guard words.count == list.count, !words.isEmpty else {
        throw RowFault(line: line, found: "a list that is empty or holds more than texts", expected: "words")
      }
      var tags = [String?](repeating: nil, count: words.count)
      if let label {
        let raw = (label.arrayValue ?? []).compactMap(JSONRows.scalar)
        guard raw.count == words.count else {
          throw RowFault(
            line: line, found: "\(raw.count) tags", expected: "one for each of the \(words.count) words")
        }
        tags = raw
      }
      let lines = [Int](repeating: line, count: words.count)
      return try builder.sentence(words: words, rawTags: tags, lines: lines, repairs: &repairs).get()
    }
    guard let text = text.stringValue, !text.isEmpty else {
      throw RowFault(line: line, found: "no text", expected: "a text or a list of words")
    }
    let characters = Array(text.unicodeScalars)
    var entities: [EntitySpan]?
    if let label {
      guard let types = label.objectValue else {
        throw RowFault(
          line: line, found: "\(label.kind) beside a text",
          expected: "an object of types with their names")
      }
      entities = try spans(types, in: characters, line, builder, &repairs)
    }
    return builder.sentence(words: characters.map { String($0) }, entities: entities, line: line)
  }

  /// The entities of `{type: {name: [[first, last], ...]}}`, in order and without overlaps.
  private static func spans(
    _ types: JSONObject, in characters: [Unicode.Scalar], _ line: Int, _ builder: SentenceBuilder,
    _ repairs: inout [RowRepair]
  ) throws(RowFault) -> [EntitySpan] {
    var found: [EntitySpan] = []
    for (name, mentions) in types {
      let type = try builder.type(name, line: line)
      guard let mentions = mentions.objectValue else {
        throw RowFault(line: line, found: "\(mentions.kind) under \"\(name)\"", expected: "an object")
      }
      for (mention, places) in mentions {
        let wanted = Array(mention.unicodeScalars)
        for place in places.arrayValue ?? [] {
          guard let first = place[0]?.wholeNumber, let last = place[1]?.wholeNumber, !wanted.isEmpty else {
            throw RowFault(
              line: line, found: "\"\(mention)\" at \(place.compactText)",
              expected: "its first and last character")
          }
          guard let words = TextSearch.range(of: wanted, in: characters, near: first) else {
            throw RowFault(
              line: line, found: "\"\(mention)\" (\(name))", expected: "a name that occurs in the text")
          }
          if words.lowerBound != first || words.upperBound - 1 != last {
            repairs.append(
              RowRepair(
                line: line, found: "\"\(mention)\" at \(place.compactText), where it is not",
                remedy: "taken from [\(words.lowerBound), \(words.upperBound - 1)]"))
          }
          found.append(EntitySpan(type: type, words: words))
        }
      }
    }
    return withoutOverlaps(found, line, &repairs)
  }

  /// One tag a word cannot show two entities; the longer one stays, of equal ones the first.
  private static func withoutOverlaps(
    _ entities: [EntitySpan], _ line: Int, _ repairs: inout [RowRepair]
  ) -> [EntitySpan] {
    var kept: [EntitySpan] = []
    let byLength = entities.enumerated().sorted {
      (-$0.element.words.count, $0.element.words.lowerBound, $0.offset)
        < (-$1.element.words.count, $1.element.words.lowerBound, $1.offset)
    }
    for (_, entity) in byLength {
      if let other = kept.first(where: { $0.words.overlaps(entity.words) }) {
        if other == entity { continue }
        repairs.append(
          RowRepair(
            line: line,
            found: "entities that overlap at \(entity.words) and \(other.words)",
            remedy: "kept the one at \(other.words)"))
      } else {
        kept.append(entity)
      }
    }
    return kept.sorted { $0.words.lowerBound < $1.words.lowerBound }
  }
}
