import Foundation

/// Stream of the bytes of a compressed file, decompressed piece by piece; a piece in and a piece out is all that it keeps.
protocol CompressedStream: AnyObject {
  /// The next bytes; empty at the end of a whole file.
  ///
  /// - Throws: `FormatError.cannotRead` with the byte of the file at which it is broken or cut off.
  func next(upTo limit: Int, path: String) throws(FormatError) -> [UInt8]
}

/// Compression of a file of rows, told by its first bytes; its library is loaded when the first such file is read.
package enum FileCompression: CaseIterable, Sendable {
  /// RFC 1952, by zlib.
  case gzip
  /// RFC 8878, by libzstd.
  case zstd

  /// The end of the names of such files.
  package var suffix: String {
    switch self {
    case .gzip: ".gz"
    case .zstd: ".zst"
    }
  }

  private var magic: [UInt8] {
    switch self {
    case .gzip: [0x1F, 0x8B]
    case .zstd: [0x28, 0xB5, 0x2F, 0xFD]
    }
  }

  /// The compression of an open file; nil of one that is not compressed, and of a pipe, which cannot be looked at without
  /// taking from it.
  static func of(_ descriptor: Int32) -> FileCompression? {
    var start = [UInt8](repeating: 0, count: 4)
    let found = pread(descriptor, &start, 4, 0)
    return allCases.first { found >= $0.magic.count && start.starts(with: $0.magic) }
  }

  /// Whether a file is compressed; false of one that cannot be read.
  package static func isCompressed(_ path: String) -> Bool {
    guard FileContents.refusal(path) == nil else { return false }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    return of(descriptor) != nil
  }

  /// A name without the ending of a compressed file: `rows.tsv` of `rows.tsv.gz`.
  package static func innerName(_ name: String) -> String {
    let lowercased = name.lowercased()
    for compression in allCases where lowercased.hasSuffix(compression.suffix) {
      return String(name.dropLast(compression.suffix.count))
    }
    return name
  }

  /// The stream of an open file, which closes it.
  ///
  /// - Throws: `FormatError.cannotRead` where the system lacks the library; the file then stays open.
  func stream(_ descriptor: Int32, path: String) throws(FormatError) -> any CompressedStream {
    switch self {
    case .gzip: try Gzip(descriptor, path: path)
    case .zstd: try Zstd(descriptor, path: path)
    }
  }
}

/// Functions of a library that is loaded at run time.
private struct LoadedLibrary {
  private let handle: UnsafeMutableRawPointer

  /// The first of some names that the system has; nil where it has none.
  init?(_ names: [String]) {
    for name in names {
      guard let handle = dlopen(name, RTLD_NOW | RTLD_LOCAL) else { continue }
      self.handle = handle
      return
    }
    return nil
  }

  /// The function of a name as the library's header declares it; nil where it has none.
  func function<Function>(_ name: String, as type: Function.Type) -> Function? {
    dlsym(handle, name).map { unsafeBitCast($0, to: type) }
  }
}

extension FormatError {
  /// The error of a compressed file for which the system has no library.
  fileprivate static func noLibrary(
    _ path: String, _ library: String, package: String, tool: String
  ) -> FormatError {
    .cannotRead(
      file: path,
      reason:
        "it is compressed and this system has no \(library); install it (Debian: \(package)), or decompress with \(tool)"
    )
  }

  /// The error of a compressed file that is broken or cut off.
  fileprivate static func notWhole(
    _ path: String, _ form: String, _ message: String, at offset: Int
  ) -> FormatError {
    .cannotRead(
      file: path, reason: "it is no whole \(form) file (\(message), at byte \(offset)); get it again")
  }
}

// MARK: gzip

/// Reader of gzip by the system's zlib.
private final class Gzip: CompressedStream {
  private let file: OpaquePointer
  private let zlib: ZLib

  /// Takes over an open descriptor.
  init(_ descriptor: Int32, path: String) throws(FormatError) {
    guard let zlib = ZLib.shared else {
      throw .noLibrary(path, "zlib (libz.so.1)", package: "zlib1g", tool: "gunzip")
    }
    guard let file = zlib.open(descriptor, "rb") else {
      throw .cannotRead(file: path, reason: "zlib cannot open it")
    }
    self.file = file
    self.zlib = zlib
  }

  deinit { _ = zlib.close(file) }

  func next(upTo limit: Int, path: String) throws(FormatError) -> [UInt8] {
    var piece = [UInt8](repeating: 0, count: limit)
    let found = piece.withUnsafeMutableBytes { zlib.read(file, $0.baseAddress, UInt32($0.count)) }
    if found <= 0 {
      var code: Int32 = 0
      let message = zlib.error(file, &code).map { String(cString: $0) } ?? ""
      guard code == 0 || code == 1 else {
        throw .notWhole(path, "gzip", message.isEmpty ? "code \(code)" : message, at: zlib.offset(file))
      }
    }
    piece.removeLast(limit - Int(max(found, 0)))
    return piece
  }
}

/// Functions of zlib.
private struct ZLib: Sendable {
  let open: @convention(c) (Int32, UnsafePointer<CChar>) -> OpaquePointer?
  let read: @convention(c) (OpaquePointer, UnsafeMutableRawPointer?, UInt32) -> Int32
  let close: @convention(c) (OpaquePointer) -> Int32
  let error: @convention(c) (OpaquePointer, UnsafeMutablePointer<Int32>) -> UnsafePointer<CChar>?
  let offset: @convention(c) (OpaquePointer) -> Int

  static let shared: ZLib? = {
    guard let library = LoadedLibrary(["libz.so.1", "libz.so", "libz.1.dylib"]),
      let open = library.function(
        "gzdopen", as: (@convention(c) (Int32, UnsafePointer<CChar>) -> OpaquePointer?).self),
      let read = library.function(
        "gzread", as: (@convention(c) (OpaquePointer, UnsafeMutableRawPointer?, UInt32) -> Int32).self),
      let close = library.function("gzclose", as: (@convention(c) (OpaquePointer) -> Int32).self),
      let error = library.function(
        "gzerror",
        as: (@convention(c) (OpaquePointer, UnsafeMutablePointer<Int32>) -> UnsafePointer<CChar>?).self),
      let offset = library.function("gzoffset", as: (@convention(c) (OpaquePointer) -> Int).self)
    else { return nil }
    return ZLib(open: open, read: read, close: close, error: error, offset: offset)
  }()
}

// MARK: zstd

/// Reader of zstd by the system's libzstd.
private final class Zstd: CompressedStream {
  private let descriptor: Int32
  private let library: ZstdLibrary
  private let stream: OpaquePointer
  private var input = [UInt8](repeating: 0, count: 1 << 17)
  /// The bytes of the input that are not decompressed yet.
  private var rest = 0..<0
  /// The bytes of the file that were read.
  private var offset = 0
  /// Whether a frame has begun and not ended.
  private var isInFrame = false
  /// Whether the library has filled the last piece, so that it may hold more.
  private var mayHoldMore = false

  /// Takes over an open descriptor.
  init(_ descriptor: Int32, path: String) throws(FormatError) {
    guard let library = ZstdLibrary.shared else {
      throw .noLibrary(path, "libzstd (libzstd.so.1)", package: "libzstd1", tool: "unzstd")
    }
    guard let stream = library.create() else {
      throw .cannotRead(file: path, reason: "libzstd cannot open it")
    }
    (self.descriptor, self.library, self.stream) = (descriptor, library, stream)
  }

  deinit {
    _ = library.free(stream)
    close(descriptor)
  }

  func next(upTo limit: Int, path: String) throws(FormatError) -> [UInt8] {
    var piece = [UInt8](repeating: 0, count: limit)
    var filled = 0
    while filled == 0 {
      if rest.isEmpty, !mayHoldMore {
        try fill(path)
        if rest.isEmpty {
          guard !isInFrame else {
            throw .notWhole(path, "zstd", "unexpected end of file", at: offset)
          }
          return []
        }
      }
      let before = rest.count
      let code = piece.withUnsafeMutableBytes { target in
        input.withUnsafeMutableBytes { source in
          var output = ZstdBuffer(base: target.baseAddress, size: target.count, place: 0)
          var input = ZstdBuffer(base: source.baseAddress, size: rest.upperBound, place: rest.lowerBound)
          let code = library.decompress(stream, &output, &input)
          rest = input.place..<rest.upperBound
          filled = output.place
          return code
        }
      }
      if library.isError(code) != 0 {
        let message = library.errorName(code).map { String(cString: $0) } ?? "code \(code)"
        throw .notWhole(path, "zstd", message, at: offset - rest.count)
      }
      // A call that neither takes nor gives says nothing about the frame, only that no more is held.
      if filled > 0 || rest.count < before { isInFrame = code != 0 }
      mayHoldMore = filled == limit
    }
    piece.removeLast(limit - filled)
    return piece
  }

  private func fill(_ path: String) throws(FormatError) {
    while true {
      let found = input.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
      if found < 0, errno == EINTR { continue }
      guard found >= 0 else { throw .cannotRead(file: path, reason: systemMessage()) }
      rest = 0..<found
      offset += found
      return
    }
  }
}

/// A buffer of libzstd, laid out as `ZSTD_inBuffer` and `ZSTD_outBuffer` are.
private struct ZstdBuffer {
  var base: UnsafeMutableRawPointer?
  var size: Int
  var place: Int
}

/// Functions of libzstd.
private struct ZstdLibrary: Sendable {
  let create: @convention(c) () -> OpaquePointer?
  let free: @convention(c) (OpaquePointer) -> Int
  let decompress: @convention(c) (OpaquePointer, UnsafeMutableRawPointer, UnsafeMutableRawPointer) -> Int
  let isError: @convention(c) (Int) -> UInt32
  let errorName: @convention(c) (Int) -> UnsafePointer<CChar>?

  static let shared: ZstdLibrary? = {
    guard let library = LoadedLibrary(["libzstd.so.1", "libzstd.so", "libzstd.1.dylib"]),
      let create = library.function(
        "ZSTD_createDStream", as: (@convention(c) () -> OpaquePointer?).self),
      let free = library.function("ZSTD_freeDStream", as: (@convention(c) (OpaquePointer) -> Int).self),
      let decompress = library.function(
        "ZSTD_decompressStream",
        as: (@convention(c) (OpaquePointer, UnsafeMutableRawPointer, UnsafeMutableRawPointer) -> Int).self),
      let isError = library.function("ZSTD_isError", as: (@convention(c) (Int) -> UInt32).self),
      let errorName = library.function(
        "ZSTD_getErrorName", as: (@convention(c) (Int) -> UnsafePointer<CChar>?).self)
    else { return nil }
    return ZstdLibrary(
      create: create, free: free, decompress: decompress, isError: isError, errorName: errorName)
  }()
}
