import Foundation
import ModelFormats

/// One sentence of a token classification task: its words (characters, in Chinese data) and their tags.
public struct TaggedSentence: Sendable, Hashable {
  /// The words.
  public var words: [String]
  /// The tag of each word as an index of the task's `tagSet`, nil where the sentence has none.
  public var tags: [Int]?
  /// The line of the file on which the sentence starts, counted from 1; 0 for one that no file holds.
  public var line: Int

  /// A sentence made by hand or by a reader.
  public init(words: [String], tags: [Int]? = nil, line: Int = 0) {
    precondition(
      tags.map { $0.count == words.count } ?? true,
      "A sentence needs one tag for each word, but has \(words.count) words and \(tags?.count ?? 0) tags.")
    self.words = words
    self.tags = tags
    self.line = line
  }
}

/// A run of words that names something.
public struct EntitySpan: Sendable, Hashable {
  /// The index of its type in the task's `labels`.
  public var type: Int
  /// The words as positions in the sentence; at least one.
  public var words: Range<Int>

  /// An entity of one or more words.
  public init(type: Int, words: Range<Int>) {
    precondition(!words.isEmpty, "An entity has at least one word.")
    self.type = type
    self.words = words
  }
}

/// Layout of the tags of files: how they mark entities, and how the sentences that are read shall.
package struct TagLayout: Sendable {
  /// The tags of the files.
  package let input: TagSet
  /// The tags of what is read.
  package let output: TagSet
  /// The tag that each raw value means.
  package let values: [String: String]
  /// Whether each character is followed by a digit that is no part of it.
  package let stripsSegmentDigits: Bool

  /// A layout of its parts.
  package init(input: TagSet, output: TagSet, values: [String: String], stripsSegmentDigits: Bool) {
    self.input = input
    self.output = output
    self.values = values
    self.stripsSegmentDigits = stripsSegmentDigits
  }
}

/// Builder of sentences from the words and raw tags of a file, in the task's own scheme; says what is wrong with
/// those that cannot be one.
struct SentenceBuilder {
  let split: DataSplit
  let stripsDigits: Bool
  let labelValues: [String: String]
  private let input: TagSet
  private let output: TagSet
  private var marks: [String: Result<TagSet.Mark?, TagSet.TagError>] = [:]

  init(_ layout: TagLayout, split: DataSplit) {
    self.split = split
    stripsDigits = layout.stripsSegmentDigits
    labelValues = layout.values
    input = layout.input
    output = layout.output
  }

  /// The types of entities.
  var types: [String] { output.types }

  /// The index of a type of entities, or the fault of not being one.
  func type(_ name: String, line: Int) throws(RowFault) -> Int {
    if let type = output.types.firstIndex(of: name) { return type }
    throw RowFault(
      line: line, found: "the type \"\(name)\"", expected: "one of \(output.types.joined(separator: ", "))")
  }

  /// A sentence of words with their tags as the file has them.
  ///
  /// - Parameters:
  ///   - rawTags: One tag a word, nil where there is none.
  ///   - lines: The line of each word.
  mutating func sentence(
    words: [String], rawTags: [String?], lines: [Int], repairs: inout [RowRepair]
  ) -> Result<TaggedSentence, RowFault> {
    var sentence = TaggedSentence(words: words, line: lines.first ?? 0)
    var ownRepairs: [RowRepair] = []
    if stripsDigits { stripDigits(of: &sentence.words, lines, &ownRepairs) }
    let untagged = rawTags.firstIndex { $0 == nil }
    let hasTags = split != .unlabelled && !(split == .test && rawTags.allSatisfy { $0 == nil })
    if hasTags {
      if let untagged {
        return .failure(
          RowFault(line: lines[untagged], found: "1 column", expected: "a word and its tag"))
      }
      var marks: [TagSet.Mark?] = []
      for (index, raw) in rawTags.enumerated() {
        switch mark(of: raw ?? "") {
        case .success(let mark): marks.append(mark)
        case .failure(let error):
          return .failure(fault(error, raw ?? "", line: lines[index]))
        }
      }
      let (entities, irregularities) = TagSet.read(marks, scheme: input.scheme)
      ownRepairs += irregularities.map { repair($0, rawTags, lines) }
      sentence.tags = output.tags(of: entities, count: words.count)
    }
    repairs += ownRepairs
    return .success(sentence)
  }

  /// A sentence with its entities.
  func sentence(words: [String], entities: [EntitySpan]?, line: Int) -> TaggedSentence {
    TaggedSentence(words: words, tags: entities.map { output.tags(of: $0, count: words.count) }, line: line)
  }

  // MARK: Parts

  private mutating func mark(of raw: String) -> Result<TagSet.Mark?, TagSet.TagError> {
    if let known = marks[raw] { return known }
    let mark = input.mark(of: meaning(of: raw))
    marks[raw] = mark
    return mark
  }

  /// The tag that a value of the file means; a whole number means the same when it is written 1.0.
  private func meaning(of raw: String) -> String {
    let raw = raw.trimmingCharacters(in: .whitespacesAndNewlines)
    return labelValues[raw] ?? wholeNumber(raw).flatMap { labelValues[String($0)] } ?? raw
  }

  private func fault(_ error: TagSet.TagError, _ raw: String, line: Int) -> RowFault {
    let expected =
      switch error {
      case .type: "one of the types \(input.types.joined(separator: ", "))"
      case .prefix:
        "a tag of the scheme \(input.scheme.rawValue), such as \(input.names[min(1, input.count - 1)])"
      }
    return RowFault(line: line, found: "the tag \"\(raw)\"", expected: expected)
  }

  private func repair(
    _ irregularity: TagSet.Irregularity, _ rawTags: [String?], _ lines: [Int]
  ) -> RowRepair {
    switch irregularity {
    case .beginsWithoutBegin(let word):
      let before = word == 0 ? "at the start" : "after \(rawTags[word - 1] ?? "")"
      return RowRepair(
        line: lines[word], found: "\(rawTags[word] ?? "") \(before), where no such entity is open",
        remedy: "taken as the beginning of one")
    case .endsWithoutEnd(let word):
      return RowRepair(
        line: lines[word], found: "\(rawTags[word] ?? "") as the last word of an entity",
        remedy: "taken as its end")
    }
  }

  /// Weibo's characters are followed by the position in their word: 科0 技1.
  private func stripDigits(of words: inout [String], _ lines: [Int], _ repairs: inout [RowRepair]) {
    for (index, word) in words.enumerated() {
      if word.unicodeScalars.count > 1, let last = word.unicodeScalars.last, ("0"..."9").contains(last) {
        words[index] = String(String.UnicodeScalarView(word.unicodeScalars.dropLast()))
      } else {
        repairs.append(
          RowRepair(
            line: lines[index], found: "\"\(word)\" without the digit of its segment",
            remedy: "taken as it stands"))
      }
    }
  }
}
