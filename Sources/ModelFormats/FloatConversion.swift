/// Widening of 16-bit floats, by bits: Swift's own Float16 does not exist on every platform.
package enum FloatConversion {
  /// The value of an IEEE half-precision number, exactly (subnormals, infinities and NaN payloads too).
  @inline(__always)
  package static func float(half: UInt16) -> Float {
    let magnitude = UInt32(half & 0x7FFF) << 13
    // Reading the bits as a Float makes the value 2^112 times too small, subnormals included.
    var bits = (Float(bitPattern: magnitude) * 0x1p112).bitPattern
    if magnitude >= 0x0F80_0000 { bits = magnitude | 0x7F80_0000 }  // infinity and NaN
    return Float(bitPattern: bits | UInt32(half & 0x8000) << 16)
  }

  /// The value of a bfloat16 number, exactly.
  @inline(__always)
  package static func float(bfloat: UInt16) -> Float { Float(bitPattern: UInt32(bfloat) << 16) }
}
