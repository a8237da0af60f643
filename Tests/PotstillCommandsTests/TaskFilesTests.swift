import Datasets
import Foundation
import PotstillCommands
import PotstillDemo
import TaskFiles
import Tasks
import TestSupport
import Testing
import Yams

/// The recipes of `tasks/`, which are the only source of the built-in tasks.
@Suite("Task files")
struct TaskFilesTests {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "tasks")
  static let catalog = TaskCatalog(folders: [folder])

  private func definition(_ name: String) throws -> TaskDefinition {
    let url = try Self.catalog.url(for: name)
    return try YAMLDecoder().decode(TaskDefinition.self, from: Data(contentsOf: url))
  }

  @Test("every recipe decodes, without a fault and under its own name", arguments: catalog.names)
  func decodes(name: String) throws {
    let task = try definition(name)
    #expect(task.name == name)
    #expect(task.faults.isEmpty)
  }

  @Test("the program holds every file of tasks/ to the byte, and finds it wherever it lies")
  func compiledIn() throws {
    let nowhere = TaskCatalog(
      environment: [:], workingDirectory: URL(filePath: "/no/such"),
      executable: URL(filePath: "/no/such/potstill"))
    #expect(nowhere.names == Self.catalog.names && TaskCatalog.builtIn.names == Self.catalog.names)
    for name in Self.catalog.names {
      #expect(try TaskFiles.all[name] == Array(Data(contentsOf: Self.catalog.url(for: name))))
      #expect(try nowhere.definition(of: name) == definition(name))
    }
    #expect(try nowhere.definition(of: "SST-2") == definition("sst2"))
    let folder = try TemporaryFolder([
      "sst2.yaml":
        "name: sst2\ntext_column: t\nlabel_column: l\nlabels: [a, b]\nvalidation_file: other.tsv\n"
    ]
    )
    let nearer = TaskCatalog(
      environment: ["POTSTILL_TASKS": folder.url.path], workingDirectory: URL(filePath: "/no/such"),
      executable: nil)
    #expect(try nearer.definition(of: "sst2").labels == ["a", "b"])
    #expect(throws: DatasetError.self) { try nowhere.definition(of: "nosuch") }
  }

  @Test("the tasks of the documentation are there")
  func names() {
    let names = Self.catalog.names
    for name in [
      "sst2", "chnsenticorp", "cola", "mrpc", "rte", "sample", "sample-teacher", "stsb", "qqp", "mnli",
      "qnli", "wnli",
      "tnews", "afqmc", "csl", "conll2003", "msra-ner", "weibo-ner", "cluener", "squad", "squad_v2",
      "cmrc2018", "drcd",
    ] {
      #expect(names.contains(name))
    }
  }

  @Test("the sample recipes say what the demo's own definitions say")
  func sample() throws {
    #expect(try definition("sample") == SampleTask.definition)
    #expect(try definition("sample-teacher") == SampleTask.teacherDefinition)
    #expect(try definition("sample-ner") == SampleEntityTask.definition)
    #expect(try definition("sample-ner-teacher") == SampleEntityTask.teacherDefinition)
    #expect(try definition("sample-qa") == SampleQuestionTask.definition)
    #expect(try definition("sample-qa-teacher") == SampleQuestionTask.teacherDefinition)
  }

  @Test("faults of a recipe come through the YAML decoder")
  func faults() throws {
    let yaml = "name: x\ntext_colum: a\nlabels: [a, b]\nvalidation_file: {pth: y}\n"
    let error = try #require(throws: (any Error).self) {
      try YAMLDecoder().decode(TaskDefinition.self, from: yaml)
    }
    guard case .invalidTask(_, let faults, _) = DatasetError(decoding: error, path: "x.yaml") else {
      Issue.record("found \(error)")
      return
    }
    #expect(faults.contains("text_colum is not a known key; did you mean text_column?"))
    #expect(faults.contains("text_column is missing"))
    #expect(faults.contains("validation_file: pth is not a known key; did you mean path?"))
  }
}
