import Foundation

/// Loader of a BLAS library: finds, configures, loads and checks it.
package struct BLASLoader {
  /// The part of the process environment that matters here.
  package struct Environment: Sendable {
    package var blasPath: String?
    package var coreType: String?
    package var machine: Machine

    package init(library: String?, coreType: String?, machine: Machine) {
      blasPath = library
      self.coreType = coreType
      self.machine = machine
    }

    package static var current: Environment {
      let variables = ProcessInfo.processInfo.environment
      func value(_ name: String) -> String? { variables[name].flatMap { $0.isEmpty ? nil : $0 } }
      return Environment(
        library: value("POTSTILL_BLAS"), coreType: value("OPENBLAS_CORETYPE"), machine: .probe())
    }
  }

  private let environment: Environment

  package init(environment: Environment) { self.environment = environment }

  package func load() throws(BLASError) -> BLASLibrary {
    let chosenCore = environment.coreType == nil ? environment.machine.openBLASCore : nil
    // OpenBLAS reads both while it is being loaded. Child processes must not inherit them, so they go again.
    let restoreCore = chosenCore.map { setTemporarily("OPENBLAS_CORETYPE", $0) }
    let restoreThreads = setTemporarily("OPENBLAS_NUM_THREADS", "1")
    defer {
      restoreThreads()
      restoreCore?()
    }
    let (handle, name) = try open()
    return try describe(handle: handle, name: name, chosenCore: chosenCore)
  }

  // MARK: Opening

  private func open() throws(BLASError) -> (handle: UnsafeMutableRawPointer, name: String) {
    if let path = environment.blasPath {
      guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
        throw .cannotOpen(path: path, reason: lastLoaderMessage())
      }
      return (handle, path)
    }
    var obstacle: (path: String, reason: String)?
    for name in Self.candidates {
      if let handle = dlopen(name, RTLD_NOW | RTLD_LOCAL) { return (handle, name) }
      let reason = lastLoaderMessage()
      if obstacle == nil, !Self.saysMissing(reason, name) { obstacle = (name, reason) }
    }
    if let obstacle { throw .notLoaded(path: obstacle.path, reason: obstacle.reason) }
    throw .notFound(tried: Self.candidates)
  }

  /// Whether a loader's message says no more than that the library itself is not there.
  package static func saysMissing(_ message: String, _ name: String) -> Bool {
    #if os(macOS)
      return !FileManager.default.fileExists(atPath: name)
    #else
      return message.hasPrefix("\(name): cannot open shared object file: No such file or directory")
    #endif
  }

  private static var candidates: [String] {
    #if os(macOS)
      return [
        "/System/Library/Frameworks/Accelerate.framework/Accelerate",
        "/opt/homebrew/opt/openblas/lib/libopenblas.dylib", "/usr/local/opt/openblas/lib/libopenblas.dylib",
      ]
    #else
      #if arch(x86_64)
        let triplet = "x86_64-linux-gnu"
      #elseif arch(arm64)
        let triplet = "aarch64-linux-gnu"
      #else
        let triplet = "linux-gnu"
      #endif
      return [
        "libopenblas.so.0", "libopenblas.so", "/usr/lib/\(triplet)/libopenblas.so.0",
        "/usr/lib/\(triplet)/openblas-pthread/libopenblas.so.0", "/usr/lib64/libopenblas.so.0",
        "/opt/OpenBLAS/lib/libopenblas.so.0", "libmkl_rt.so.2", "libblis.so.4",
      ]
    #endif
  }

  private func lastLoaderMessage() -> String {
    guard let message = dlerror() else { return "unknown reason" }
    return String(cString: message)
  }

  /// Sets a variable unless it has a value already, and returns what undoes that.
  private func setTemporarily(_ name: String, _ value: String) -> () -> Void {
    let old = getenv(name).map { String(cString: $0) }
    if let old, !old.isEmpty { return {} }
    setenv(name, value, 1)
    return { if let old { setenv(name, old, 1) } else { unsetenv(name) } }
  }

  // MARK: Describing and checking

  private func describe(
    handle: UnsafeMutableRawPointer, name: String, chosenCore: String?
  ) throws(BLASError) -> BLASLibrary {
    guard let symbol = dlsym(handle, "cblas_sgemm") else {
      throw .missingSymbol(path: name, symbol: "cblas_sgemm")
    }
    let path = Self.fileName(of: symbol) ?? name
    let sgemm = unsafeBitCast(symbol, to: BLASLibrary.SGEMM.self)
    let kind = useOneThread(handle, path: path)
    if kind == "OpenBLAS", let reason = Self.lackOfRoom() { throw .notLoaded(path: path, reason: reason) }
    let config = text(handle, "openblas_get_config")
    let core = text(handle, "openblas_get_corename")
    let coreChoice: BLASLibrary.CoreChoice =
      switch (kind, environment.coreType, chosenCore) {
      case ("OpenBLAS", .some, _): .user
      case ("OpenBLAS", nil, .some): .detected
      default: .usual
      }
    if let fault = BLASSelfCheck(sgemm: sgemm).fault {
      throw .wrongResult(path: path, core: core, detail: fault)
    }
    return BLASLibrary(
      path: path, kind: kind, version: Self.version(in: config), config: config, core: core,
      coreChoice: coreChoice, sgemm: sgemm, doublePrecision: BLASLibrary.DoublePrecision(handle))
  }

  /// Turns the library's own threads off (ours call it, see `Parallel`) and returns its kind.
  private func useOneThread(_ handle: UnsafeMutableRawPointer, path: String) -> String {
    typealias SetCount = @convention(c) (Int32) -> Void
    typealias SetLongCount = @convention(c) (Int) -> Void
    if let set = dlsym(handle, "openblas_set_num_threads") {
      unsafeBitCast(set, to: SetCount.self)(1)
      return "OpenBLAS"
    }
    if let set = dlsym(handle, "MKL_Set_Num_Threads") {
      unsafeBitCast(set, to: SetCount.self)(1)
      return "MKL"
    }
    if let set = dlsym(handle, "bli_thread_set_num_threads") {
      unsafeBitCast(set, to: SetLongCount.self)(1)
      return "BLIS"
    }
    return path.contains("Accelerate") || path.contains("libBLAS") ? "Accelerate" : "CBLAS"
  }

  /// The reason why OpenBLAS finds no room for its work; nil where there is enough.
  ///
  /// Each thread that multiplies takes 128 MiB of addresses with its first product, and asks for them for ever where the system
  /// refuses.
  private static func lackOfRoom() -> String? {
    let count = Parallel.threadCount * (128 << 20 + 2 * 4096)
    // Given back at once.
    if AddressRange(bytes: count, largePages: false) != nil { return nil }
    return
      "it needs \(count >> 20) MiB of addresses for its work, which the system refuses: \(String(cString: strerror(errno)))"
  }

  private func text(_ handle: UnsafeMutableRawPointer, _ function: String) -> String? {
    typealias GetText = @convention(c) () -> UnsafePointer<CChar>?
    guard let symbol = dlsym(handle, function), let text = unsafeBitCast(symbol, to: GetText.self)() else {
      return nil
    }
    return String(cString: text).trimmingCharacters(in: .whitespaces)
  }

  /// The mapped file that holds an address (`dladdr` is not visible to Swift on Linux).
  private static func fileName(of symbol: UnsafeMutableRawPointer) -> String? {
    let address = UInt(bitPattern: symbol)
    guard let maps = try? String(contentsOfFile: "/proc/self/maps", encoding: .utf8) else { return nil }
    for line in maps.split(separator: "\n") {
      // "7f12a000-7f13b000 r-xp 00000000 08:01 1234   /path/of/the/file"
      let fields = line.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: true)
      let bounds = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
      guard fields.count == 6, bounds.count == 2, (bounds[0]..<bounds[1]).contains(address) else { continue }
      return fields[5].trimmingCharacters(in: .whitespaces)
    }
    return nil
  }

  /// The first word of a configuration like "OpenBLAS 0.3.21 DYNAMIC_ARCH ..." that starts with a digit.
  private static func version(in config: String?) -> String? {
    config?.split(separator: " ").first { $0.first?.isNumber == true }.map(String.init)
  }
}

/// Self-check of a BLAS library: compares small products of every form with a plain loop in double precision.
///
/// Old OpenBLAS builds are known to compute wrong values on some processors, and a training run would not notice.
struct BLASSelfCheck {
  let sgemm: BLASLibrary.SGEMM

  /// The fault that the check found, or nil.
  var fault: String? {
    // Odd sizes reach the remainder code of every kernel; the second set is beyond the small-matrix kernels.
    for (m, n, k) in [(13, 11, 7), (37, 65, 83)] {
      for form in 0..<8 {
        let (transposeA, transposeB, accumulate) = (form & 1 != 0, form & 2 != 0, form & 4 != 0)
        if let fault = check(m, n, k, transposeA, transposeB, accumulate) { return fault }
      }
    }
    return nil
  }

  private func check(
    _ m: Int, _ n: Int, _ k: Int, _ transposeA: Bool, _ transposeB: Bool, _ accumulate: Bool
  ) -> String? {
    let padding = 3
    let (lda, ldb, ldc) = ((transposeA ? m : k) + padding, (transposeB ? k : n) + padding, n + padding)
    let a = Self.values((transposeA ? k : m) * lda, seed: 1)
    let b = Self.values((transposeB ? n : k) * ldb, seed: 2)
    // With beta 0 the result's old contents must not matter, not even NaN: our buffers are reused.
    let before = accumulate ? Self.values(m * ldc, seed: 3) : [Float](repeating: .nan, count: m * ldc)
    var c = before
    let alpha: Float = 0.75
    sgemm(
      CBLAS.rowMajor, transposeA ? CBLAS.transposed : CBLAS.asStored,
      transposeB ? CBLAS.transposed : CBLAS.asStored, Int32(m), Int32(n), Int32(k), alpha, a, Int32(lda), b,
      Int32(ldb), accumulate ? 1 : 0, &c, Int32(ldc))
    for i in 0..<m {
      for j in 0..<n {
        var expected = 0.0
        for l in 0..<k {
          let x = transposeA ? a[l * lda + i] : a[i * lda + l]
          let y = transposeB ? b[j * ldb + l] : b[l * ldb + j]
          expected += Double(x) * Double(y)
        }
        expected *= Double(alpha)
        if accumulate { expected += Double(before[i * ldc + j]) }
        let found = Double(c[i * ldc + j])
        // Values lie in -1 ..< 1, so rounding stays below k * 2^-24 * a few; anything larger is a fault.
        if !(abs(found - expected) <= 1e-6 * Double(k)) {
          return "[\(m), \(k)] x [\(k), \(n)]\(transposeA ? ", a transposed" : "")"
            + "\(transposeB ? ", b transposed" : "")\(accumulate ? ", beta 1" : ""): element [\(i), \(j)] is "
            + "\(found), expected \(expected)"
        }
      }
    }
    return nil
  }

  /// Numbers in -1 ..< 1 from a small linear congruential generator.
  private static func values(_ count: Int, seed: UInt32) -> [Float] {
    var state = seed
    return (0..<count).map { _ in
      state = state &* 1_664_525 &+ 1_013_904_223
      return Float(state >> 8) / 8_388_608 - 1
    }
  }
}
