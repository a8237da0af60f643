import Kernels
import Testing

@Suite struct HalfPrecisionTests {
  private func narrow(_ values: [Float]) -> (halves: [UInt16], misfits: Int) {
    var halves = [UInt16](repeating: 0, count: values.count)
    let misfits = HalfPrecision.narrow(values, into: &halves, count: values.count)
    return (halves, misfits)
  }

  private func widen(_ halves: [UInt16]) -> [Float] {
    var values = [Float](repeating: 0, count: halves.count)
    HalfPrecision.widen(halves, into: &values, count: halves.count)
    return values
  }

  @Test func everyHalfSurvives() {
    let halves = (0...UInt16.max).filter { $0 & 0x7C00 != 0x7C00 || $0 & 0x3FF == 0 }
    let (again, misfits) = narrow(widen(halves))
    #expect(again == halves)
    #expect(misfits == 2, "the two infinities")
  }

  @Test func whatLiesBetweenGoesToTheNearestTiesToEven() {
    // Between each two neighbours, subnormals included: the middle, and a little to either side of it.
    let lower = Array(UInt16(0)..<0x7BFF)
    let (a, b) = (widen(lower), widen(lower.map { $0 + 1 }))
    let middles = zip(a, b).map { ($0 + $1) / 2 }
    #expect(narrow(middles).halves == lower.map { $0 + ($0 & 1) })
    #expect(narrow(middles.map(\.nextDown)).halves == lower)
    #expect(narrow(middles.map { -$0.nextUp }).halves == lower.map { ($0 + 1) | 0x8000 })
  }

  @Test func whatDoesNotFitIsCounted() {
    let (halves, misfits) = narrow([65519.99, 65520, -1e30, .infinity, .nan, 65504, 0, -0.0])
    #expect(misfits == 4)
    #expect(halves[0] == 0x7BFF && halves[1] == 0x7C00 && halves[2] == 0xFC00 && halves[3] == 0x7C00)
    #expect(widen(halves)[4].isNaN && halves[5] == 0x7BFF && halves[6] == 0 && halves[7] == 0x8000)
  }
}
