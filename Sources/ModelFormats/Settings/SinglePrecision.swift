/// Numbers that single precision holds, in which models compute.
package enum SinglePrecision {
  /// What keeps a number from being used in a computation, in the words of a message; nil for 0 and for what is neither
  /// infinite nor 0 in single precision.
  package static func fault(of value: Double) -> String? {
    if !value.isFinite { return "expected a finite number" }
    let single = Float(value)
    if value == 0 || single.isNormal { return nil }
    return single.isFinite
      ? "which is 0 in the single precision that models compute in; expected 0 or a larger number"
      : "which is infinite in the single precision that models compute in; expected a smaller number"
  }
}
