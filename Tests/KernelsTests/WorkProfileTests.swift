import Kernels
import Testing

@Suite(.serialized) struct WorkProfileTests {
  @Test func countsTheTimeOfEveryThreadOnlyWhileItIsOn() {
    func spin() -> Int { (0..<200_000).reduce(0) { $0 &* 31 &+ $1 } }
    var kept = WorkProfile.time(.loss, spin)
    WorkProfile.start()
    kept &+= WorkProfile.time(.attention, spin)
    let first = WorkProfile.stop()
    kept &+= WorkProfile.time(.attention, spin)
    #expect(kept != 1)
    #expect(first[.attention, default: 0] > 0)
    WorkProfile.start()
    let second = WorkProfile.stop()
    #expect(second[.attention] == 0)
    #expect(Set(second.keys) == Set(WorkKind.allCases))
  }
}
