import Foundation
import ModelFormats
import TestSupport
import Testing

/// Records of TensorBoard's event files: their checksums, and their bytes beside those of the `tensorboard` package.
@Suite struct EventRecordTests {
  /// The vectors of RFC 3720, B.4, and the check value of the catalogue of checksums.
  @Test func checksumsAreThoseOfTheStandard() {
    #expect(CRC32C.of([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
    #expect(CRC32C.of([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
    #expect(CRC32C.of((0..<32).map { UInt8($0) }) == 0x46DD_794E)
    #expect(CRC32C.of((0..<32).reversed().map { UInt8($0) }) == 0x113F_DB5C)
    #expect(CRC32C.of("123456789".utf8) == 0xE306_9283)
    #expect(CRC32C.of([]) == 0)
  }

  @Test func theBytesAreThoseOfTensorBoard() throws {
    let text = "```\nlearning_rate: 5e-05\n" + String(repeating: "# …\n", count: 40) + "```"
    let records = [
      EventRecord(.fileVersion, step: 0, wallTime: 1_700_000_000.25),
      EventRecord(.sessionStart, step: 8, wallTime: 1_700_000_001.5),
      EventRecord(
        .scalars([
          ("train/loss", 0.693_147_18), ("train/learning_rate", 5e-5), ("train/模型", 0),
          ("eval/loss", .infinity),
        ]), step: 300, wallTime: 1_700_000_002.125),
      EventRecord(.text(tag: "recipe", text), step: 70_000, wallTime: 1_700_000_003),
    ]
    let golden = try Data(contentsOf: Fixtures.url("formats/events.bin"))
    #expect(Data(records.flatMap(\.bytes)) == golden)
  }
}
