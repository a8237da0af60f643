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
