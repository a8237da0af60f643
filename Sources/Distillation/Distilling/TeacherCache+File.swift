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

  /// Writes the logits as safetensors, [examples, classes], under the fingerprint of teacher and data.
  ///
  /// - Returns: Whether anything was written; nothing is while some example's logits are missing.
  /// - Throws: `DistillationError.unwritable`.
  @discardableResult
  public func save(
    to url: URL, fingerprint: String, exampleCount: Int
  ) throws(DistillationError) -> Bool {
    guard count == exampleCount, let logits = logits(of: Array(0..<exampleCount)) else { return false }
    var writer = SafetensorsWriter()
    writer.metadata["fingerprint"] = fingerprint
    writer.add("teacher_logits", shape: logits.shape.dimensions, values: logits.values)
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
      guard let info = file["teacher_logits"], info.shape.count == 2, info.shape[0] == exampleCount else {
        throw DistillationError.unreadable(
          file: url.path, reason: "found no teacher_logits for \(exampleCount) examples; delete the file")
      }
      let logits = Tensor(try file.floats("teacher_logits"), shape: Shape(info.shape))
      try store(AdaptorResult(logits: [logits]), of: Array(0..<exampleCount))
      return true
    } catch let error as DistillationError {
      throw error
    } catch {
      throw .unreadable(file: url.path, reason: "\(error)")
    }
  }
}
