import Encoders
public import Foundation
import Kernels
import ModelFormats
import Synchronization
import Tensors

/// A teacher's answers to a data set in a file, from which any number of students learn without the teacher,
/// also at once.
///
/// Logits are those of the teacher to the bit; hidden states are rounded to half precision. Examples are looked up by
/// their place in the data set, so batches may be put together as one likes. The rows of an example are compared with
/// their checksum when they are first read.
public final class TeacherCacheFile: @unchecked Sendable {
  // Sendable because the file is only read, and what is known of checksums only ever changes from false to true.

  /// Place of the file.
  public let url: URL
  private let layout: CacheLayout
  private let content: FileReader
  /// A checksum of each example's rows.
  private let checksums: [UInt64]
  private let verified: UnsafeMutablePointer<Bool>
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
    do {
      content = try FileReader(path: file.path)
    } catch {
      throw .cache(file: file.path, message: "\(error)")
    }
    (layout, checksums) = try CacheLayout.read(content)
    do { config = try layout.description.config() } catch {
      throw .cache(file: file.path, message: "\(error)")
    }
    let count = layout.description.lengths.count
    verified = .allocate(capacity: max(1, count))
    verified.initialize(repeating: false, count: max(1, count))
    if let missing = (0..<count).first(where: { checksums[$0] == 0 }) {
      throw fault("lacks example \(missing); it was not finished. Delete it and build it again")
    }
  }

  deinit { verified.deallocate() }

  /// Name of the file in a folder.
  public static let fileName = "teacher.cache"

  /// Description of the teacher and the kept rows.
  public var description: TeacherCacheDescription { layout.description }

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
    let (width, isLogits) = (part.width, part.kind == .logits)
    let total = isLogits && part.hasOneRow ? indices.count : Int(starts[indices.count])
    let storage = Storage(uninitialized: total * width)
    let failure = Mutex<FormatError?>(nil)
    // A block of a few sequences is enough work for a worker to be woken.
    Parallel.forEach(indices.count, grain: 4) { places in
      var halves: [UInt16] = []
      for place in places {
        let length = description.lengths[indices[place]]
        let start = layout.offsets[indices[place]] + offsets[place]
        let first = isLogits && part.hasOneRow ? place : Int(starts[place])
        let target = storage.withUnsafeMutablePointer { $0 + first * width }
        let count = part.rows(of: length) * width
        do throws(FormatError) {
          if isLogits {
            try content.read(start..<start + 4 * count, into: target)
          } else {
            if halves.count < count { halves = [UInt16](repeating: 0, count: count) }
            try halves.withUnsafeMutableBufferPointer { (buffer) throws(FormatError) in
              guard let base = buffer.baseAddress else { return }
              try content.read(start..<start + 2 * count, into: base)
              HalfPrecision.widen(base, into: target, count: count)
            }
            (target + count).update(repeating: 0, count: length * width - count)
          }
        } catch {
          failure.withLock { $0 = $0 ?? error }
        }
      }
    }
    if let error = failure.withLock(\.self) { throw fault("cannot be read: \(error)") }
    return Tensor(storage: storage, shape: part.isVector ? [total] : [total, width])
  }

  private func check(_ index: Int, tokens: Int) throws(DistillationError) {
    guard index < description.lengths.count, description.lengths[index] == tokens else {
      let found = index < description.lengths.count ? "\(description.lengths[index]) tokens" : "nothing"
      throw fault("holds \(found) for example \(index), which has \(tokens); it is of other data")
    }
    if verified[index] { return }
    let range = layout.record(index)
    let record: [UInt8]
    do { record = try content.numbers(range.count, at: range.lowerBound) } catch {
      throw fault("cannot be read: \(error)")
    }
    guard record.withUnsafeBytes(CacheLayout.checksum) == checksums[index] else {
      throw fault(
        "is damaged: the answers to example \(index) are not those written; delete it and build it again")
    }
    verified[index] = true
  }

  private func fault(_ message: String) -> DistillationError { .cache(file: url.path, message: message) }
}
