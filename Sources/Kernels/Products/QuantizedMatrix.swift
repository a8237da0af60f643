import CKernels
import Foundation
import Synchronization

/// Matrix of 8-bit integers −127 … 127 with one scale a row: a value is scale · integer.
///
/// A linear layer's weight, whose rows are its outputs, or a table of embeddings. The integers lie row by row until the
/// first product, which packs them for its kernel.
package final class QuantizedMatrix: Sendable {
  /// The number of rows: outputs, or words.
  package let rows: Int
  /// The number of columns: inputs, or features.
  package let columns: Int
  /// Scales, [rows], with zeros behind up to whole panels.
  private let paddedScales: Storage
  private let layout: Mutex<Layout>

  /// The integers as products take them.
  struct Panels: Sendable {
    /// The packed integers.
    fileprivate let bytes: Bytes
    /// The sum of each row's integers, as 32-bit integers, [rows] up to whole panels.
    fileprivate let sums: Storage
  }

  private enum Layout {
    case rows(Bytes)
    case panels(Panels)
  }

  /// The nearest integers of a matrix, each row with the scale max |value| / 127.
  package convenience init(_ values: Storage, rows: Int, columns: Int) {
    precondition(
      values.count == rows * columns,
      "A matrix [\(rows), \(columns)] does not have \(values.count) values.")
    let (bytes, scales) = (Bytes(rows * columns), Self.emptyScales(rows))
    Parallel.forEach(rows, grain: max(1, RowBlocks.worthwhile / max(1, columns))) { range in
      let first = range.lowerBound * columns
      ps_int8_symmetric_rows(
        values.pointer + first, bytes.signed + first, scales.pointer + range.lowerBound, Int64(range.count),
        Int64(columns))
    }
    self.init(bytes, scales: scales, rows: rows, columns: columns)
  }

  /// A matrix from its integers, row by row, and scales, [rows].
  package convenience init(integers: UnsafeRawBufferPointer, scales: Storage, rows: Int, columns: Int) {
    precondition(
      integers.count == rows * columns && scales.count == rows,
      "A matrix [\(rows), \(columns)] does not have \(integers.count) integers and \(scales.count) scales.")
    let (bytes, padded) = (Bytes(rows * columns), Self.emptyScales(rows))
    bytes.raw.copyMemory(from: integers)
    padded.pointer.update(from: scales.pointer, count: rows)
    self.init(bytes, scales: padded, rows: rows, columns: columns)
  }

  private init(_ bytes: Bytes, scales: Storage, rows: Int, columns: Int) {
    (self.rows, self.columns, paddedScales) = (rows, columns, scales)
    layout = Mutex(.rows(bytes))
  }

  private static func emptyScales(_ rows: Int) -> Storage {
    let panel = Int(ps_int8_panel)
    let scales = Storage(uninitialized: (rows + panel - 1) / panel * panel, lasting: true)
    scales.pointer.update(repeating: 0, count: scales.count)
    return scales
  }

  /// Scales, [rows].
  package var scales: Storage { paddedScales.slice(0, rows) }

  /// The bytes of integers and scales together.
  package var byteCount: Int { rows * columns + 4 * rows }

  /// Runs `body` with the integers, row by row.
  package func withIntegers<Result, Failure: Error>(
    _ body: (_ integers: UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let bytes = integers
    defer { withExtendedLifetime(bytes) {} }
    return try body(UnsafeRawBufferPointer(bytes.raw))
  }

  /// The values, [rows, columns].
  package func dequantized() -> Storage {
    let y = Storage(uninitialized: rows * columns)
    gather((0..<Int32(rows)).map { $0 }, into: y, adding: false)
    return y
  }

  /// y[r] = the values of row rows[r], or y[r] += them.
  package func gather(_ rows: [Int32], into y: Storage, adding: Bool) {
    let bytes = integers
    rows.withUnsafeBufferPointer { rows in
      guard let first = rows.baseAddress else { return }
      RowBlocks.rows(rows.count, columns: columns) { range in
        ps_int8_gather(
          bytes.signed, paddedScales.pointer, first + range.lowerBound,
          y.pointer + range.lowerBound * columns,
          Int64(range.count), Int64(columns), adding ? 1 : 0)
      }
    }
  }

  /// The integers row by row: where they lie so, or a copy.
  private var integers: Bytes {
    layout.withLock { layout in
      switch layout {
      case .rows(let bytes): return bytes
      case .panels(let panels):
        let bytes = Bytes(rows * columns)
        ps_int8_unpack(panels.bytes.signed, bytes.signed, Int64(rows), Int64(columns))
        return bytes
      }
    }
  }

  /// The integers as products take them, in which form they stay.
  func packed() -> Panels {
    layout.withLock { layout in
      switch layout {
      case .panels(let panels): return panels
      case .rows(let bytes):
        let packed = Bytes(Int(ps_int8_packed_bytes(Int64(rows), Int64(columns))))
        let sums = Self.emptyScales(rows)
        sums.pointer.withMemoryRebound(to: Int32.self, capacity: sums.count) {
          ps_int8_pack(bytes.signed, packed.signed, $0, Int64(rows), Int64(columns))
        }
        let panels = Panels(bytes: packed, sums: sums)
        layout = .panels(panels)
        return panels
      }
    }
  }

  /// y = x Wᵀ + b of some panels of outputs, on this thread; `y` is the place of the first output of all.
  func product(
    _ x: QuantizedRows, _ panels: Panels, range: Range<Int>, bias: UnsafePointer<Float>?,
    into y: UnsafeMutablePointer<Float>
  ) {
    precondition(
      x.columns == columns, "Rows of \(x.columns) values do not fit a weight [\(rows), \(columns)].")
    let outputs = outputs(ofPanels: range)
    let first = outputs.lowerBound
    WorkProfile.time(.matrixProducts) {
      panels.sums.pointer.withMemoryRebound(to: Int32.self, capacity: panels.sums.count) { sums in
        ps_int8_linear(
          Int8Kernel.current.rawValue, x.bytes, x.scales, x.zeros, Int64(x.rows),
          panels.bytes.signed
            + range.lowerBound * Int(ps_int8_packed_bytes(Int64(ps_int8_panel), Int64(columns))),
          sums + first, paddedScales.pointer + first, bias.map { $0 + first }, y + first,
          Int64(outputs.count), Int64(columns), Int64(rows))
      }
    }
  }

  /// The number of panels of outputs.
  var panelCount: Int { paddedScales.count / Int(ps_int8_panel) }

  /// The outputs in some panels.
  func outputs(ofPanels panels: Range<Int>) -> Range<Int> {
    panels.lowerBound * Int(ps_int8_panel)..<min(rows, panels.upperBound * Int(ps_int8_panel))
  }
}

/// Bytes in a pooled buffer.
struct Bytes: Sendable {
  private let storage: Storage
  private let count: Int

  /// So many uninitialised bytes, which stay from step to step.
  init(_ count: Int) {
    self.count = count
    storage = Storage(uninitialized: (count + 3) / 4, lasting: true)
  }

  var raw: UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(start: storage.pointer, count: count)
  }
  var signed: UnsafeMutablePointer<Int8> {
    UnsafeMutableRawPointer(storage.pointer).assumingMemoryBound(to: Int8.self)
  }
}

/// Rows of activations in 8-bit integers, each with the scale and zero of its own range.
struct QuantizedRows {
  let rows: Int
  let columns: Int
  let bytes: UnsafeMutablePointer<UInt8>
  let scales: UnsafeMutablePointer<Float>
  let zeros: UnsafeMutablePointer<Int32>
  private let memory: Storage
  private var rowBytes: Int { (columns + 3) / 4 * 4 }

  /// Room for so many rows, to be filled by `quantize`.
  init(rows: Int, columns: Int) {
    (self.rows, self.columns) = (rows, columns)
    let width = (columns + 3) / 4
    memory = Storage(uninitialized: rows * (width + 2))
    scales = memory.pointer
    zeros = UnsafeMutableRawPointer(memory.pointer + rows).assumingMemoryBound(to: Int32.self)
    bytes = UnsafeMutableRawPointer(memory.pointer + 2 * rows).assumingMemoryBound(to: UInt8.self)
  }

  /// The rows at `x`, [rows, columns], quantised on this thread.
  init(_ x: UnsafePointer<Float>, rows: Int, columns: Int) {
    self.init(rows: rows, columns: columns)
    quantize(x, 0..<rows)
  }

  /// Fills some rows with the nearest integers of those of `x`, the first of all rows, on this thread.
  func quantize(_ x: UnsafePointer<Float>, _ range: Range<Int>) {
    let first = range.lowerBound
    WorkProfile.time(.elementwise) {
      ps_int8_rows(
        x + first * columns, bytes + first * rowBytes, scales + first, zeros + first, Int64(range.count),
        Int64(columns), Int64(columns))
    }
  }
}

extension QuantizedRows {
  /// Writes what the integers stand for, [rows, columns], on this thread.
  func values(into y: UnsafeMutablePointer<Float>) {
    for row in 0..<rows {
      let (integers, target) = (bytes + row * rowBytes, y + row * columns)
      let (scale, zero) = (scales[row], zeros[row])
      for column in 0..<columns { target[column] = scale * Float(Int32(integers[column]) - zero) }
    }
  }
}

/// Instructions that products of 8-bit integers are computed with; all give the same bits.
package enum Int8Kernel: Int32, CaseIterable, Sendable {
  /// Plain C.
  case c = 0
  /// AVX2, with both sides widened to 16 bits.
  case avx2 = 1
  /// AVX-VNNI, 256 bits wide.
  case avxVNNI = 2
  /// AVX-512 VNNI.
  case avx512VNNI = 3
  /// NEON with `sdot`.
  case neon = 4

  /// Name in reports.
  package var name: String {
    switch self {
    case .c: "c"
    case .avx2: "avx2"
    case .avxVNNI: "avx-vnni"
    case .avx512VNNI: "avx512-vnni"
    case .neon: "neon"
    }
  }

  /// Whether this processor has the instructions.
  package var isAvailable: Bool { ps_int8_has_kernel(rawValue) != 0 }

  /// The kernel in use: the fastest one here, or the one that `POTSTILL_INT8_KERNEL` names (`vnni`, `avx2`, `neon`, `c`); commands
  /// refuse a name that is none (`fault(ofName:)`).
  package static var current: Int8Kernel {
    get { Int8Kernel(rawValue: chosen.load(ordering: .relaxed)) ?? initial }
    set { chosen.store(newValue.rawValue, ordering: .relaxed) }
  }

  /// Variable of the environment that names a kernel.
  package static let variable = "POTSTILL_INT8_KERNEL"

  /// Fault of that variable's value: no kernel has the name, or none that this processor can run; nil for a good one.
  package static func fault(ofName asked: String) -> String? {
    if usable(named: asked) != nil { return nil }
    let names = usable.reversed().map(\.name) + (usable(named: "vnni") == nil ? [] : ["vnni"])
    let problem =
      fastestFirst.contains { $0.answers(to: asked) } ? ", which this processor does not have" : ""
    return
      "\(variable) is \"\(asked)\"\(problem); expected one of \(names.joined(separator: ", ")), or unset it"
  }

  private static let chosen = Atomic<Int32>(-1)
  private static let initial: Int8Kernel =
    ProcessInfo.processInfo.environment[variable].flatMap(usable(named:)) ?? usable.first ?? .c
  private static let fastestFirst: [Int8Kernel] = [.avx512VNNI, .avxVNNI, .neon, .avx2, .c]
  private static let usable = fastestFirst.filter(\.isAvailable)

  private static func usable(named asked: String) -> Int8Kernel? { usable.first { $0.answers(to: asked) } }

  private func answers(to asked: String) -> Bool {
    name == asked || (asked == "vnni" && name.hasSuffix("vnni"))
  }
}
