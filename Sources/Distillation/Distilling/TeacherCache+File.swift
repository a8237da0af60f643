import Encoders
import Foundation
import ModelFormats
import TaskData
import Tensors

extension TeacherCache {
  /// A number that changes with any of the teacher's weights and any token of the data.
  ///
  /// - Parameters:
  ///   - teacher: The teacher.
  ///   - examples: The data set; labels do not matter.
  public static func fingerprint(of teacher: TaskModel, over examples: [EncodedExample]) -> String {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    func mix(_ value: UInt32) { hash = (hash ^ UInt64(value)) &* 0x0000_0100_0000_01b3 }
    for parameter in teacher.parameters {
      UnsafeBufferPointer(start: parameter.storage.pointer, count: parameter.count).forEach {
        mix($0.bitPattern)
      }
    }
    for example in examples {
      mix(UInt32(example.length))
      for (id, segment) in zip(example.ids, example.segments) {
        mix(UInt32(bitPattern: id))
        mix(UInt32(bitPattern: segment))
      }
    }
    return String(hash, radix: 16)
  }

  private static func name(_ list: Int) -> String {
    list == 0 ? "teacher_logits" : "teacher_logits.\(list)"
  }

  /// Writes the logits as safetensors under the fingerprint of teacher and data.
  ///
  /// `teacher_logits`, [rows, classes] or [rows], and `teacher_logits.1` … for further lists; `row_counts`, [examples],
  /// where an example may have more rows than one.
  ///
  /// - Returns: Whether anything was written; nothing is while some example's logits are missing.
  /// - Throws: `DistillationError.unwritable`.
  @discardableResult
  public func save(
    to url: URL, fingerprint: String, exampleCount: Int
  ) throws(DistillationError) -> Bool {
    let indices = Array(0..<exampleCount)
    guard count == exampleCount, let logits = logits(of: indices), let counts = rowCounts(of: indices) else {
      return false
    }
    var writer = SafetensorsWriter()
    writer.metadata["fingerprint"] = fingerprint
    for (index, list) in logits.enumerated() {
      writer.add(Self.name(index), shape: list.shape.dimensions, values: list.values)
    }
    if counts.contains(where: { $0 != 1 }) {
      writer.add("row_counts", shape: [exampleCount], values: counts.map { Float($0) })
    }
    do { try writer.write(to: url) } catch { throw .unwritable(file: url.path, reason: "\(error)") }
    return true
  }

  /// Reads what `save` wrote, unless the file belongs to another teacher or other data.
  ///
  /// - Returns: Whether the logits are now known; false too when there is no file.
  /// - Throws: `DistillationError.unreadable` for a damaged file.
  @discardableResult
  public func load(
    from url: URL, fingerprint: String, exampleCount: Int
  ) throws(DistillationError) -> Bool {
    guard FileManager.default.fileExists(atPath: url.path) else { return false }
    do {
      let file = try SafetensorsFile(path: url.path)
      guard file.metadata["fingerprint"] == fingerprint else { return false }
      var counts = [Int](repeating: 1, count: exampleCount)
      if file["row_counts"] != nil { counts = try file.floats("row_counts").map { Int(exactly: $0) ?? -1 } }
      var logits: [Tensor] = []
      while let info = file[Self.name(logits.count)] {
        logits.append(Tensor(try file.floats(info.name), shape: Shape(info.shape)))
      }
      let fits = logits.allSatisfy {
        (1...2).contains($0.shape.rank) && $0.shape[0] == counts.reduce(0, +)
      }
      guard fits, !logits.isEmpty, counts.count == exampleCount, counts.allSatisfy({ $0 >= 0 }) else {
        throw DistillationError.unreadable(
          file: url.path, reason: "found no teacher_logits for \(exampleCount) examples; delete the file")
      }
      var rows: [Range<Int>] = []
      for count in counts {
        let start = rows.last?.upperBound ?? 0
        rows.append(start..<start + count)
      }
      try store(logits, rows: rows, of: Array(0..<exampleCount))
      return true
    } catch let error as DistillationError {
      throw error
    } catch {
      throw .unreadable(file: url.path, reason: "\(error)")
    }
  }
}
