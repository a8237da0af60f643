/// Digest of bytes by SHA-1 or SHA-256 (FIPS 180-4): git names a file by the one, Hugging Face's large files by the other.
package struct Digest {
  /// Function that makes a digest.
  package enum Function: Sendable {
    /// 20 bytes; safe against chance, and not against an adversary.
    case sha1
    /// 32 bytes.
    case sha256
  }

  private let function: Function
  private var state: [UInt32]
  /// The words that a block is spread to, kept so that no block takes memory.
  private var schedule: [UInt32]
  /// The bytes of a block that is not whole yet.
  private var pending: [UInt8] = []
  /// The number of bytes so far.
  private var count: UInt64 = 0

  private static let blockSize = 64

  /// A digest of nothing yet.
  package init(_ function: Function) {
    self.function = function
    switch function {
    case .sha1:
      state = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0]
      schedule = [UInt32](repeating: 0, count: 80)
    case .sha256:
      state = [
        0x6A09_E667, 0xBB67_AE85, 0x3C6E_F372, 0xA54F_F53A, 0x510E_527F, 0x9B05_688C, 0x1F83_D9AB,
        0x5BE0_CD19,
      ]
      schedule = [UInt32](repeating: 0, count: 64)
    }
  }

  /// The digest of some bytes, in hexadecimal.
  package static func text(of bytes: [UInt8], by function: Function) -> String {
    var digest = Digest(function)
    digest.add(bytes)
    return digest.text
  }

  /// The digest of a file, in hexadecimal.
  ///
  /// - Parameter progress: Hears how many bytes are done.
  /// - Throws: `FormatError.cannotRead`.
  package static func text(
    ofFile path: String, by function: Function, progress: (Int) -> Void = { _ in }
  ) throws(FormatError) -> String {
    let file = try FileReader(path: path)
    var digest = Digest(function)
    try file.forEachPiece(of: 0..<file.count) { piece in
      digest.add(Array(piece))
      progress(Int(digest.count))
    }
    return digest.text
  }

  /// Adds bytes.
  package mutating func add(_ bytes: [UInt8]) {
    count &+= UInt64(bytes.count)
    var start = 0
    if !pending.isEmpty {
      start = min(Self.blockSize - pending.count, bytes.count)
      pending += bytes[..<start]
      guard pending.count == Self.blockSize else { return }
      digestBlocks(of: pending, from: 0, count: 1)
      pending.removeAll(keepingCapacity: true)
    }
    let blocks = (bytes.count - start) / Self.blockSize
    digestBlocks(of: bytes, from: start, count: blocks)
    pending += bytes[(start + blocks * Self.blockSize)...]
  }

  /// The digest of what was added, in hexadecimal.
  package var text: String {
    var ended = self
    let bits = count &* 8
    // A bit that is set, zeros, and the number of bits end the last block.
    let zeros = (119 - Int(count % 64)) % 64
    ended.add([0x80] + [UInt8](repeating: 0, count: zeros))
    ended.add((0..<8).map { UInt8(truncatingIfNeeded: bits >> (56 - 8 * UInt64($0))) })
    return ended.state.map { word in
      let digits = String(word, radix: 16)
      return String(repeating: "0", count: 8 - digits.count) + digits
    }.joined()
  }

  private mutating func digestBlocks(of bytes: [UInt8], from start: Int, count: Int) {
    if count == 0 { return }
    let function = function
    bytes.withUnsafeBytes { bytes in
      state.withUnsafeMutableBufferPointer { state in
        schedule.withUnsafeMutableBufferPointer { schedule in
          for block in 0..<count {
            let offset = start + block * Self.blockSize
            for index in 0..<16 {
              schedule[index] = UInt32(
                bigEndian: bytes.loadUnaligned(fromByteOffset: offset + 4 * index, as: UInt32.self))
            }
            switch function {
            case .sha1: Self.addSHA1(schedule, to: state)
            case .sha256: Self.addSHA256(schedule, to: state)
            }
          }
        }
      }
    }
  }

  // MARK: One block

  private static func addSHA1(
    _ w: UnsafeMutableBufferPointer<UInt32>, to state: UnsafeMutableBufferPointer<UInt32>
  ) {
    for i in 16..<80 { w[i] = left(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1) }
    var (a, b, c, d, e) = (state[0], state[1], state[2], state[3], state[4])
    for i in 0..<80 {
      let (f, k): (UInt32, UInt32) =
        switch i {
        case 0..<20: (b & c | ~b & d, 0x5A82_7999)
        case 20..<40: (b ^ c ^ d, 0x6ED9_EBA1)
        case 40..<60: (b & c | b & d | c & d, 0x8F1B_BCDC)
        default: (b ^ c ^ d, 0xCA62_C1D6)
        }
      let next = left(a, 5) &+ f &+ e &+ k &+ w[i]
      (e, d, c, b, a) = (d, c, left(b, 30), a, next)
    }
    state[0] &+= a
    state[1] &+= b
    state[2] &+= c
    state[3] &+= d
    state[4] &+= e
  }

  private static func addSHA256(
    _ w: UnsafeMutableBufferPointer<UInt32>, to state: UnsafeMutableBufferPointer<UInt32>
  ) {
    for i in 16..<64 {
      let (x, y) = (w[i - 15], w[i - 2])
      let low = right(x, 7) ^ right(x, 18) ^ x >> 3
      let high = right(y, 17) ^ right(y, 19) ^ y >> 10
      w[i] = w[i - 16] &+ low &+ w[i - 7] &+ high
    }
    var (a, b, c, d) = (state[0], state[1], state[2], state[3])
    var (e, f, g, h) = (state[4], state[5], state[6], state[7])
    constants.withUnsafeBufferPointer { k in
      for i in 0..<64 {
        let first =
          h &+ (right(e, 6) ^ right(e, 11) ^ right(e, 25)) &+ (e & f ^ ~e & g) &+ k[i] &+ w[i]
        let second = (right(a, 2) ^ right(a, 13) ^ right(a, 22)) &+ (a & b ^ a & c ^ b & c)
        (h, g, f, e, d, c, b, a) = (g, f, e, d &+ first, c, b, a, first &+ second)
      }
    }
    state[0] &+= a
    state[1] &+= b
    state[2] &+= c
    state[3] &+= d
    state[4] &+= e
    state[5] &+= f
    state[6] &+= g
    state[7] &+= h
  }

  @inline(__always) private static func left(_ x: UInt32, _ n: UInt32) -> UInt32 { x &<< n | x &>> (32 - n) }
  @inline(__always) private static func right(_ x: UInt32, _ n: UInt32) -> UInt32 { x &>> n | x &<< (32 - n) }

  /// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
  private static let constants: [UInt32] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
    0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
    0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
    0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
    0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
    0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
    0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
  ]
}
