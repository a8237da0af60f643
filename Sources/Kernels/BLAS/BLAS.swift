/// The matrix product library, found and loaded at run time.
///
/// OpenBLAS chooses its kernels while it is being loaded, and releases older than the processor choose badly (a
/// 2004 kernel at a fifth of the speed), so Potstill names the right core first and loads it afterwards.
public enum BLAS {
  private static let shared: Result<BLASLibrary, BLASError> = {
    do throws(BLASError) {
      return .success(try BLASLoader(environment: .current).load())
    } catch {
      return .failure(error)
    }
  }()

  /// Loads the library on the first call and says what it is.
  ///
  /// `POTSTILL_BLAS` names a library to use instead of the installed OpenBLAS; `OPENBLAS_CORETYPE`, when set, is
  /// respected. The first call also checks small products of every form against a plain loop.
  /// - Throws: `BLASError` when there is no usable library.
  public static func load() throws(BLASError) -> BLASLibrary { try shared.get() }

  /// The product function for `gemm`; a program that did not call `load()` first ends here with its message.
  package static let sgemm: BLASLibrary.SGEMM = {
    switch shared {
    case .success(let library): return library.sgemm
    case .failure(let error): fatalError(error.description)
    }
  }()
}

/// The BLAS library in use: where it came from and which of its kernels runs.
public struct BLASLibrary: Sendable {
  /// Origins of the choice of the core that an OpenBLAS runs with.
  public enum CoreChoice: String, Sendable {
    /// `OPENBLAS_CORETYPE` was set by the user and left alone.
    case user
    /// Chosen from the instruction sets of this processor.
    case detected
    /// Left to the library.
    case usual = "library"
  }

  /// The file, as the dynamic linker names it.
  public let path: String
  /// The kind of library: OpenBLAS, MKL, BLIS, Accelerate or CBLAS.
  public let kind: String
  /// The version, when the library tells.
  public let version: String?
  /// The build configuration, when the library tells (`openblas_get_config`).
  public let config: String?
  /// The processor family whose kernels run, when the library tells (`openblas_get_corename`).
  public let core: String?
  /// The origin of the choice of `core`.
  public let coreChoice: CoreChoice

  package typealias SGEMM =
    @Sendable @convention(c) (
      _ order: Int32, _ transposeA: Int32, _ transposeB: Int32, _ m: Int32, _ n: Int32, _ k: Int32,
      _ alpha: Float, _ a: UnsafePointer<Float>?, _ lda: Int32, _ b: UnsafePointer<Float>?, _ ldb: Int32,
      _ beta: Float, _ c: UnsafeMutablePointer<Float>?, _ ldc: Int32
    ) -> Void

  package let sgemm: SGEMM
  /// The functions in double precision, where the library has them.
  let doublePrecision: DoublePrecision?
}

/// Error of loading a BLAS library.
public enum BLASError: Error, Sendable, Equatable, CustomStringConvertible {
  /// None of the usual libraries is installed; the names that were tried.
  case notFound(tried: [String])
  /// A library is there, but the system does not load it, as without memory or open files.
  case notLoaded(path: String, reason: String)
  /// The library that `POTSTILL_BLAS` names cannot be loaded.
  case cannotOpen(path: String, reason: String)
  /// The library has no row-major CBLAS interface.
  case missingSymbol(path: String, symbol: String)
  /// The library computes wrong products on this processor.
  case wrongResult(path: String, core: String?, detail: String)

  /// Whether there is no library at all, so that one must be installed.
  package var isMissing: Bool {
    switch self {
    case .notFound: true
    case .notLoaded, .cannotOpen, .missingSymbol, .wrongResult: false
    }
  }

  /// One paragraph: what was found, what was expected, what to do.
  public var description: String {
    switch self {
    case .notFound(let tried):
      """
      No BLAS library found (tried \(tried.joined(separator: ", "))). Install OpenBLAS: \(Self.installation), \
      or set POTSTILL_BLAS to the path of any library with a CBLAS interface (OpenBLAS, MKL, BLIS).
      """
    case .notLoaded(let path, let reason):
      """
      The BLAS library '\(path)' is there but cannot be loaded: \(reason). Allow the process more of what is short \
      ('ulimit -a' shows its limits), or set POTSTILL_BLAS to the path of another library.
      """
    case .cannotOpen(let path, let reason):
      """
      POTSTILL_BLAS: cannot load '\(path)': \(reason). Give the full path of a shared library with a CBLAS \
      interface, or unset POTSTILL_BLAS and install OpenBLAS: \(Self.installation).
      """
    case .missingSymbol(let path, let symbol):
      """
      '\(path)' has no symbol '\(symbol)', so it offers no CBLAS interface. Install OpenBLAS \
      (\(Self.installation)), or set POTSTILL_BLAS to another library.
      """
    case .wrongResult(let path, let core, let detail):
      """
      '\(path)'\(core.map { " (core \($0))" } ?? "") gives wrong matrix products on this processor: \(detail). \
      Try another core with OPENBLAS_CORETYPE (Haswell runs on every processor with AVX2), a newer OpenBLAS, \
      or another library with POTSTILL_BLAS.
      """
    }
  }

  private static var installation: String {
    #if os(macOS)
      "brew install openblas"
    #else
      "apt-get install libopenblas-dev (Fedora: dnf install openblas)"
    #endif
  }
}
