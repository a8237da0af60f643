package func gemm(transposeA: Bool = false, transposeB: Bool = false, m: Int, n: Int, k: Int, alpha: Float = 1,
   a: UnsafePointer<Float>, lda: Int, b: UnsafePointer<Float>, ldb: Int, beta: Float = 0, c: UnsafeMutablePointer<Float>, ldc: Int) {}
extension Parallel { package static func forEach(_ count: Int, grain: Int = 1, _ body: (Range<Int>) -> Void) { body(0..<count) } }
