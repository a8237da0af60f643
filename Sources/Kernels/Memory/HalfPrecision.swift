import CKernels

/// Conversion between Float32 and IEEE half precision, at the speed of memory.
package enum HalfPrecision {
  /// Writes the exact values of `count` halves.
  package static func widen(
    _ source: UnsafePointer<UInt16>, into target: UnsafeMutablePointer<Float>, count: Int
  ) {
    ps_f16_to_f32(source, target, Int64(count))
  }

  /// Rounds `count` values to the nearest half, ties to even.
  ///
  /// - Returns: How many are NaN or too large for a half (65520 and more).
  package static func narrow(
    _ source: UnsafePointer<Float>, into target: UnsafeMutablePointer<UInt16>, count: Int
  ) -> Int {
    Int(ps_f32_to_f16(source, target, Int64(count)))
  }
}
