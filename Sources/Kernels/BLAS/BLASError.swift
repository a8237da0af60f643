/// Why no usable BLAS library could be loaded.
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
