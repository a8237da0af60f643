/// The tags of a CoNLL file: the last column of each line, a blank line between sentences.
struct TagFile {
  /// The tags of each sentence.
  private(set) var tags: [[String]] = []
  /// The line of each sentence's first token, from 0.
  private var starts: [Int] = []
  private let file: LineFile

  /// Reads a file; lines that begin with `-DOCSTART-` separate sentences too.
  ///
  /// Columns end at tabs in lines that have one, so that a token may be a space of any kind, and at spaces elsewhere.
  init(_ path: String) throws {
    file = try LineFile(path)
    var isInSentence = false
    for (index, line) in file.lines.enumerated() {
      let isBlank = line.utf8.allSatisfy { $0 == 0x20 || $0 == 0x09 }
      if isBlank || line.hasPrefix("-DOCSTART-") {
        isInSentence = false
        continue
      }
      let isTabbed = line.utf8.contains(0x09)
      let separator: UInt8 = isTabbed ? 0x09 : 0x20
      let columns = line.utf8.split(separator: separator, omittingEmptySubsequences: !isTabbed)
      guard let tag = columns.last, !tag.isEmpty else {
        throw file.fault(index, "found an empty last column, expected a tag such as O or B-PER")
      }
      if !isInSentence {
        tags.append([])
        starts.append(index)
        isInSentence = true
      }
      tags[tags.count - 1].append(String(Substring(tag)))
    }
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
      throw CommandError(
        "\(file.path): found \(tags.count) sentences, expected \(gold.tags.count) as in \(gold.file.path), which "
          + "differ from sentence \(shared + 1) on, at \(more.place(sentence: shared, token: 0))" + advice)
    }
  }
}
