/// The tags of a CoNLL file: the last column of each line, a blank line between sentences.
struct TagFile {
  /// The tags of each sentence.
  private(set) var tags: [[String]] = []
  /// The line of each sentence's first token, from 0.
  private var starts: [Int] = []
  private let file: LineFile

  /// Reads a file; lines that begin with `-DOCSTART-` separate sentences too, and separators around a line are none of it.
  ///
  /// Columns end at tabs in lines that have one, so that a token may be a space of any kind, and at spaces elsewhere.
  init(_ path: String) throws {
    file = try LineFile(path)
    var isInSentence = false
    func isGap(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
    for (index, whole) in file.lines.enumerated() {
      var line = whole.utf8.drop(while: isGap)
      while let last = line.last, isGap(last) { line.removeLast() }
      if line.isEmpty || line.starts(with: "-DOCSTART-".utf8) {
        isInSentence = false
        continue
      }
      // A space that is a word is in front of its tab.
      let separator: UInt8 = whole.utf8.contains(0x09) ? 0x09 : 0x20
      guard let column = line.split(separator: separator).last else { continue }
      let tag = column.drop(while: isGap)
      if !isInSentence {
        tags.append([])
        starts.append(index)
        isInSentence = true
      }
      tags[tags.count - 1].append(String(Substring(tag)))
    }
  }

  /// The first places of the tags that `seqeval` warns of: all but O and those with one of its prefixes.
  var placesOfOddTags: [String: String] {
    var places: [String: String] = [:]
    for (sentence, names) in tags.enumerated() {
      for (token, tag) in names.enumerated() where places[tag] == nil {
        let isUsual =
          ["O", "B", "I", "E", "S"].contains(tag) || ["B-", "I-", "E-", "S-"].contains { tag.hasPrefix($0) }
        if !isUsual { places[tag] = place(sentence: sentence, token: token) }
      }
    }
    return places
  }

  /// File and line of a token.
  func place(sentence: Int, token: Int) -> String { "\(file.path):\(starts[sentence] + token + 1)" }

  /// Checks that another file has sentences of the same lengths.
  func checkPairing(with gold: TagFile) throws {
    let advice =
      "; both need the same sentences in the same order, so leave out of the gold file what was not predicted"
    for (sentence, (own, other)) in zip(tags, gold.tags).enumerated() where own.count != other.count {
      let counts =
        tags.count == gold.tags.count
        ? "" : ". The files have \(tags.count) and \(gold.tags.count) sentences"
      throw file.fault(
        starts[sentence],
        "found \(own.count) tokens in sentence \(sentence + 1), expected \(other.count) as at "
          + gold.place(sentence: sentence, token: 0) + counts + advice)
    }
    guard tags.count == gold.tags.count else {
      let shared = min(tags.count, gold.tags.count)
      let more = tags.count > shared ? self : gold
      throw TaskError(
        "\(file.path): found \(tags.count) sentences, expected \(gold.tags.count) as in \(gold.file.path), which "
          + "differ from sentence \(shared + 1) on, at \(more.place(sentence: shared, token: 0))" + advice)
    }
  }
}
