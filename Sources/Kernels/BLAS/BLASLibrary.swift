/// The BLAS library in use: where it came from and which of its kernels runs.
public struct BLASLibrary: Sendable {
  /// Where the core was chosen that an OpenBLAS runs with.
  public enum CoreChoice: String, Sendable {
    /// `OPENBLAS_CORETYPE` was set by the user and left alone.
    case user
    /// Chosen from the instruction sets of this processor.
    case detected
    /// Left to the library.
    case library
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
  /// Who chose `core`.
  public let coreChoice: CoreChoice

  package typealias SGEMM =
    @Sendable @convention(c) (
      _ order: Int32, _ transposeA: Int32, _ transposeB: Int32, _ m: Int32, _ n: Int32, _ k: Int32,
      _ alpha: Float, _ a: UnsafePointer<Float>?, _ lda: Int32, _ b: UnsafePointer<Float>?, _ ldb: Int32,
      _ beta: Float, _ c: UnsafeMutablePointer<Float>?, _ ldc: Int32
    ) -> Void

  package let sgemm: SGEMM
}
