import Foundation
import ModelFormats
import PotstillCommands
import Tasks
import Testing

/// Commands that look: at tasks, at the machine, and into checkpoints.
@Suite struct InspectionTests {
  private func json(_ text: String) throws -> JSONValue { try JSONValue(parsing: text) }

  @Test func tasksAreListedWithTheirData() throws {
    let world = try TinyWorld()
    let list = potstill(["tasks"])
    try #require(list.code == 0, "\(list.messages)")
    #expect(list.output.split(separator: "\n").contains { $0.hasPrefix("sst2 ") && $0.contains("Sentiment") })
    let all = try #require(json(potstill(["tasks", "--json"]).output).arrayValue)
    let squad = try #require(all.first { $0["task"] == "squad" })
    #expect(squad["kind"] == "question_answering" && squad["dataset_name"] == "rajpurkar/squad")

    let one = potstill(["tasks", world.path("tiny.yaml"), "--data", world.path("data")])
    #expect(one.output.contains("train.tsv (there)") && !one.output.contains("missing"), "\(one.output)")
    let elsewhere = potstill(["tasks", "sst2", "--data", world.path("base")])
    #expect(elsewhere.output.contains("dev.tsv (missing)"), "\(elsewhere.output)")
    #expect(elsewhere.output.contains("https://huggingface.co/datasets/nyu-mll/glue, configuration sst2"))
    let files = try #require(
      json(potstill(["tasks", "sst2", "--json", "--data", world.path("data")]).output)["files"]?.arrayValue)
    #expect(files.map { $0["exists"] } == [true, true, false])
    #expect(potstill(["tasks", "sst3"]).code == 1)
    #expect(potstill(["tasks", "--data", world.path("data")]).code == 64)
  }

  @Test func theDoctorNamesWhatIsMissing() throws {
    let well = potstill(["doctor", "--json"], environment: ["LANG": "zh_CN.UTF-8"])
    try #require(well.code == 0, "\(well.messages)")
    let findings = try #require(json(well.output)["findings"]?.arrayValue)
    for name in [
      "matrix library", "matrix products", "processor", "memory", "working folder", "temporary folder",
      "encoding", "model cache", "server",
    ] {
      let finding = try #require(findings.first { $0["name"]?.stringValue == name }, "\(name)")
      // What is not well has something to do.
      #expect((finding["verdict"] == "ok") == (finding["remedy"] == nil), "\(finding)")
    }
    #expect(try json(well.output)["ready"] == true)
    let table = potstill(["doctor"], environment: ["LC_ALL": "zh_CN.GBK", "LANG": "C.UTF-8"])
    #expect(table.output.contains("LC_ALL is zh_CN.GBK") && table.output.contains("→ export LANG=C.UTF-8"))
  }

  @Test func costsAreThoseOfTheFormula() throws {
    let world = try TinyWorld()
    let report = try json(potstill(["inspect", world.path("base"), "--json"]).output)
    // As PyTorch's FlopCounterMode counts them for the 32 tokens that the model reads: 2 layers, 16 wide, 32 inside.
    #expect(report["flops_per_token"]?.intValue == 12_288)
    let tokens = 32 * 32
    let values = 2 * tokens * (8 * 16 + 32 + 2 * 32) + tokens * (4 * 16 + 32)
    let parameters = try #require(report["parameters"]?.intValue)
    #expect(report["training_step_bytes"]?.intValue == 16 * parameters + 4 * values)
    let table = potstill(["inspect", world.path("base")]).output
    #expect(table.contains("12,288 FLOPs a token in sequences of 32"), "\(table)")
    let encoder = try #require(table.split(separator: "\n").first { $0.hasPrefix("bert ") })
    let parts = encoder.split(separator: " ")
    #expect(parts.count == 4 && Double(parts[2]) ?? 0 > 90, "\(encoder)")
  }

  @Test func percentilesAreTheNearestRank() {
    let hundred = InferenceSpeed.Latency(of: (1...100).map(Double.init).shuffled())
    #expect([hundred.p50, hundred.p95, hundred.p99] == [50, 95, 99])
    let one = InferenceSpeed.Latency(of: [7])
    #expect([one.p50, one.p95, one.p99] == [7, 7, 7])
    let three = InferenceSpeed.Latency(of: [3, 1, 2])
    #expect([three.p50, three.p95, three.p99] == [2, 3, 3])
  }
}
