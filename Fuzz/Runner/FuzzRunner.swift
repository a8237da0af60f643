import Foundation
import FuzzTargets
import Kernels

/// The session that libFuzzer's inputs go to, all from one thread; the environment names its target.
nonisolated(unsafe) private let session: FuzzSession = {
  let name = ProcessInfo.processInfo.environment["POTSTILL_FUZZ_TARGET"] ?? ""
  guard let target = FuzzTarget(rawValue: name) else {
    let known = FuzzTarget.allCases.map(\.rawValue).joined(separator: ", ")
    fatalError("POTSTILL_FUZZ_TARGET is \"\(name)\"; expected one of \(known).")
  }
  // Workers would only wait for the next input.
  Parallel.threadCount = 1
  do { return try FuzzSession(target) } catch { fatalError("\(error)") }
}()

/// The function that libFuzzer calls with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  _ = session.fault(of: Array(UnsafeBufferPointer(start: start, count: count)))
  return 0
}
