public import Compression
import ModelFormats

/// Target of a compression: how small, or how fast, the model shall be in 32-bit floats.
public enum CompressionTarget: Sendable, Equatable, CustomStringConvertible {
  /// Share of the model's bytes, above 0 and below 1.
  case share(Double)
  /// Millions of bytes of its values.
  case megabytes(Double)
  /// Milliseconds of one row alone on this machine, the median.
  case milliseconds(Double)

  /// Reads `4x` (a fourth), `25%`, `20MB` or `3ms`.
  ///
  /// - Throws: `CompressionError.request` naming what was found and expected.
  public init(_ text: String) throws(CompressionError) {
    let spelled = text.lowercased().filter { $0 != " " }
    func number(_ unit: String) -> Double? {
      guard spelled.hasSuffix(unit), let value = Double(spelled.dropLast(unit.count)), value.isFinite,
        value > 0
      else { return nil }
      return value
    }
    if let factor = number("x") ?? number("×"), factor > 1 {
      self = .share(1 / factor)
    } else if let percent = number("%"), percent < 100 {
      self = .share(percent / 100)
    } else if let megabytes = number("mb") {
      self = .megabytes(megabytes)
    } else if let milliseconds = number("ms") {
      self = .milliseconds(milliseconds)
    } else {
      throw .request(
        "target: found \"\(printable(text, atMost: 40))\", expected how small or fast: 4x, 25%, 20MB or 3ms")
    }
  }

  /// The target as it is written.
  public var description: String {
    func shown(_ value: Double) -> String {
      let rounded = (value * 1000).rounded() / 1000
      return rounded == rounded.rounded() ? String(Int(rounded)) : String(rounded)
    }
    return switch self {
    case .share(let share): shown(100 * share) + "%"
    case .megabytes(let megabytes): shown(megabytes) + "MB"
    case .milliseconds(let milliseconds): shown(milliseconds) + "ms"
    }
  }
}
