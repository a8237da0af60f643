import Encoders
public import Foundation
import ModelFormats
import Tensors

/// A teacher's answers to a data set in a file, from which any number of students learn without the teacher,
/// also at once.
///
/// Logits are those of the teacher to the bit; hidden states are rounded to half precision. Examples are looked up by
/// their place in the data set, so batches may be put together as one likes. The rows of an example are compared with
/// their checksum when they are first read.
public final class TeacherCacheFile: Sendable {
  /// Place of the file.
  public let url: URL
  /// Description of the teacher and the kept rows.
  public let description: TeacherCacheDescription
  private let records: RecordFile
  /// The teacher's configuration, which names the values.
  private let config: EncoderConfig

  /// Opens a finished cache.
  ///
  /// - Parameter url: The file, or a folder made by `potstill cache`, which holds it as `teacher.cache`.
  /// - Throws: `DistillationError.cache` when there is none, or it is damaged or not finished.
  public init(_ url: URL) throws(DistillationError) {
    var isFolder: ObjCBool = false
    let exists = FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder)
    let file = isFolder.boolValue ? url.appending(path: Self.fileName) : url
    guard exists, FileManager.default.fileExists(atPath: file.path) else {
      throw .cache(file: file.path, message: "no such file; build the cache with 'potstill cache'")
    }
    self.url = file
    let content: FileReader
    do {
      if isFolder.boolValue { try FolderLink.check(file, in: url) }
      content = try FileReader(path: file.path)
    } catch {
      throw .cache(file: file.path, message: "\(error)")
    }
    do throws(RecordFileError) {
      let head = try RecordHead(reading: content)
      guard let description = TeacherCacheDescription(json: head.description, lengths: head.lengths) else {
        throw .damaged
      }
      self.description = description
      records = try RecordFile(content, description.layout(behind: head))
    } catch {
      throw .cache(file: file.path, message: Self.message(error))
    }
    do { config = try description.config() } catch {
      throw .cache(file: file.path, message: "\(error)")
    }
    if let missing = records.firstMissing {
      throw fault("lacks example \(missing); it was not finished. Delete it and build it again")
    }
  }

  /// Name of the file in a folder.
  public static let fileName = "teacher.cache"

  /// The files in a folder that a run has made for itself: its cache, finished or not.
  ///
  /// An unfinished file whose head was not written yet serves nobody, so it counts.
  static func ofRun(in folder: URL) -> [URL] {
    [fileName, fileName + ".partial"].map { folder.appending(path: $0) }.filter { url in
      guard FileManager.default.fileExists(atPath: url.path) else { return false }
      guard let content = try? FileReader(path: url.path), let head = try? RecordHead(reading: content),
        let description = TeacherCacheDescription(json: head.description, lengths: head.lengths)
      else { return url.pathExtension == "partial" }
      return description.isTemporary
    }
  }

  /// Faults that keep the cache from being used, a sentence each; none if it fits.
  ///
  /// - Parameters:
  ///   - key: What is asked for; a tokenizer is compared where both sides know it.
  ///   - parts: What is needed of each example.
  public func faults(for key: CacheKey, parts: [CachedPart]) -> [String] {
    faults(teacher: key.teacher, tokenizer: key.tokenizer, data: key.data, parts: parts)
  }

  private func faults(
    teacher: String?, tokenizer: String?, data: String?, parts: [CachedPart]
  ) -> [String] {
    let own = description.key
    var faults: [String] = []
    if let teacher, teacher != own.teacher {
      faults.append(
        "it holds the answers of another teacher (\(description.teacherName), or it was trained on)")
    }
    if let tokenizer, let known = own.tokenizer, tokenizer != known {
      faults.append("it was built with another tokenizer")
    } else if let data, data != own.data {
      faults.append(
        "it was built over other texts or another maximal length"
          + (description.maxLength.map { " (--max-seq-length \($0))" } ?? "")
          + ": it has \(description.lengths.count) examples of \(description.lengths.reduce(0, +)) tokens")
    }
    let missing = parts.filter { part in !description.parts.contains { $0.covers(part) } }
    if !missing.isEmpty {
      faults.append(
        "it lacks \(CachedPart.names(of: missing)); it has \(CachedPart.names(of: description.parts))")
    }
    return faults
  }

  /// Checks that the cache fits a teacher, examples and parts, as far as they are known.
  ///
  /// - Parameters:
  ///   - teacher: The fingerprint of the teacher, if it is there.
  ///   - data: The fingerprint of the examples, if they are known.
  ///   - parts: The rows needed of each example.
  /// - Throws: `DistillationError.cache`.
  func check(
    teacher: String? = nil, data: String? = nil, parts: [CachedPart] = []
  ) throws(DistillationError) {
    let faults = faults(teacher: teacher, tokenizer: nil, data: data, parts: parts)
    guard faults.isEmpty else {
      throw .cache(
        file: url.path, message: "does not fit: " + faults.joined(separator: "; ") + ". Build another one")
    }
  }

  /// The answers to some examples, one after the other.
  ///
  /// - Parameters:
  ///   - indices: The places of the examples in the data set, [B].
  ///   - starts: Where the tokens of each begin, and their number, [B + 1].
  ///   - wants: Whether a part is wanted; by default each one is.
  /// - Returns: Logits, [rows, classes] or [rows], hidden states, queries, keys and values by the names of their taps,
  ///   [tokens, hidden]; where only first rows are kept, the others are 0.
  /// - Throws: `DistillationError.cache` when an example has another length than in the batch, or its rows are damaged.
  public func answers(
    to indices: [Int], starts: [Int32], where wants: (CachedPart) -> Bool = { _ in true }
  ) throws(DistillationError) -> Answers {
    for (place, index) in indices.enumerated() {
      try check(index, tokens: Int(starts[place + 1] - starts[place]))
    }
    var logits: [Tensor] = []
    var named: [String: Tensor] = [:]
    var partOffset = [Int](repeating: 0, count: indices.count)
    for part in description.parts {
      if wants(part) {
        let values = try rows(of: part, indices, starts, partOffset)
        if let name = part.tap(in: config) { named[name] = values } else { logits.append(values) }
      }
      for (place, index) in indices.enumerated() {
        partOffset[place] += part.byteCount(of: description.lengths[index])
      }
    }
    return Answers(logits: logits, values: named)
  }

  // MARK: Parts

  private func rows(
    of part: CachedPart, _ indices: [Int], _ starts: [Int32], _ offsets: [Int]
  ) throws(DistillationError) -> Tensor {
    let isOfSequences = part.kind == .logits && part.hasOneRow
    let total = isOfSequences ? indices.count : Int(starts[indices.count])
    let pieces = indices.enumerated().map { place, index in
      let rows = isOfSequences ? place..<place + 1 : Int(starts[place])..<Int(starts[place + 1])
      return RecordPiece(
        record: index, offset: offsets[place], count: part.rows(of: description.lengths[index]) * part.width,
        places: rows.lowerBound * part.width..<rows.upperBound * part.width)
    }
    do {
      let storage = try records.values(of: pieces, as: part.form, count: total * part.width)
      return Tensor(storage: storage, shape: part.isVector ? [total] : [total, part.width])
    } catch {
      throw fault(reading: error)
    }
  }

  private func check(_ index: Int, tokens: Int) throws(DistillationError) {
    guard index < description.lengths.count, description.lengths[index] == tokens else {
      let found = index < description.lengths.count ? "\(description.lengths[index]) tokens" : "nothing"
      throw fault("holds \(found) for example \(index), which has \(tokens); it is of other data")
    }
    let isIntact: Bool
    do { isIntact = try records.isIntact(index) } catch { throw fault(reading: error) }
    guard isIntact else {
      throw fault(
        "is damaged: the answers to example \(index) are not those written; delete it and build it again")
    }
  }

  /// The words for a file that cannot be read.
  private static func message(_ error: RecordFileError) -> String {
    switch error {
    case .unreadable(let reason): "cannot be read: \(reason)"
    case .foreign: "is no teacher cache; expected a file made by 'potstill cache'"
    case .version(let found, let expected):
      "has version \(found) of the format, expected \(expected); build it again"
    case .damaged: "is damaged: its description cannot be read; delete it and build it again"
    case .size(let found, let expected):
      "has \(found) bytes, expected \(expected); delete it and build it again"
    }
  }

  /// The fault of a file that could not be read, whose error names it as well.
  private func fault(reading error: FormatError) -> DistillationError {
    if case .cannotRead(_, let reason) = error { return fault("cannot be read: \(reason); build it again") }
    return fault("\(error)")
  }

  private func fault(_ message: String) -> DistillationError { .cache(file: url.path, message: message) }
}
