import Foundation
import FuzzTargets
import Testing

/// Whoever reads foreign bytes has a fuzz target or rows in the catalogue of broken inputs: a file that begins to open files
/// says here which.
@Suite struct HouseReaders {
  /// Formats, as `FuzzTarget` and the headings of `Tests/Catalogue` spell them, or the reason for none behind a dash.
  private static let formats: [String: String] = [
    "Cluster/ThreadShare": "- files of the system",
    "CommandOptions/RecipeFile": "recipe",
    "CompressionSearch/CompressionFolder":
      "- its own notes in its own folder; whatever else is there counts as none",
    "CompressionSearch/PreparedCompression":
      "- its own notes in its own folder; whatever else is there counts as none",
    "CompressionSearch/VocabularyReduction": "json",
    "Datasets/Masking/CorpusSource": "text",
    "Datasets/Masking/TokenMasker": "text",
    "Datasets/Masking/TokenizedCorpus": "tokenized-corpus",
    "Datasets/Reading/InputTexts": "text jsonl",
    "Datasets/Reading/RowPieces": "tsv csv jsonl conll",
    "Datasets/Reading/TextLines": "text",
    "Datasets/Storage/RowShard":
      "- its own file, whose sizes are checked and whose name is the fingerprint of what made it",
    "Distillation/Caching/TeacherCacheFile": "teacher-cache",
    "Distillation/Configuration/DistillationConfig": "- JSON alone, laid over settings as a recipe is",
    "Distillation/Jobs/Ablation/AblationFolder":
      "- its own notes in its own folder; whatever else is there counts as none",
    "Distillation/Jobs/Ablation/AblationReport": "- looks whether a report is an own one",
    "Distillation/Jobs/Teachers/TeacherCacheJob":
      "- takes numbers by name; whatever else is there counts as none",
    "Hub/HubCache": "- a name of a commit, checked by its form",
    "Hub/HubSettings": "- a token, handed on as it is",
    "Hub/UploadedFile": "- sends bytes as they are",
    "Kernels/BLAS/BLASLoader": "- files of the system",
    "Kernels/Machine/Machine": "- files of the system",
    "ModelFormats/Checkpoints/CheckpointReader": "shard-index config",
    "ModelFormats/Checkpoints/SafetensorsFile": "safetensors optimizer",
    "ModelFormats/Checkpoints/StoredTensors": "safetensors pytorch",
    "ModelFormats/Files/ByteStream": "- opens files for readers",
    "ModelFormats/Files/Digest": "- sums any bytes up",
    "ModelFormats/Files/FileReader": "- opens files for readers",
    "ModelFormats/Files/Fingerprint": "- sums any bytes up",
    "ModelFormats/Files/MappedFile": "- opens files for readers",
    "ModelFormats/JSON/JSONValue": "json config tokenizer",
    "ModelFormats/SentencePiece/SentencePieceModel": "sentencepiece",
    "ModelFormats/YAML/YAMLFile": "recipe task",
    "PotstillCommands/Commands/VocabCommand": "- an option for comparisons that no help names",
    "Reports/Facts/RecordedRun": "report",
    "Reports/Facts/RowReader": "report",
    "Reports/Facts/RunFacts": "report",
    "Reports/Models/AttentionSheet": "report",
    "Reports/Pages/ReportPage": "report",
    "Reports/Relations/RelationGraph": "report",
    "Serving/ServerMetrics": "- files of the system",
    "Tasks/Answers/AnswersFile": "answers csv tsv json jsonl",
    "Tasks/Benchmarks/BenchmarkSteps": "lengths",
    "Tasks/Benchmarks/MachineCheck": "- files of the system",
    "Tasks/Cards/CardModel": "- lines of a card by name; whatever else is there counts as none",
    "Tasks/Cards/EvaluationHistory": "- its own log; lines that are none are passed over",
    "Tasks/Cards/ModelCard": "- looks whether a card is an own one",
    "Tasks/Definition/TaskFile": "task",
    "Tasks/Provenance/Provenance": "provenance",
    "Tasks/Reading/TaskReader": "tsv csv jsonl json text conll squad",
    "Tasks/MaskedWords/PretrainingModel": "config",
    "Tasks/Models/HubModel": "shard-index",
    "Tasks/Prediction/PredictionInput": "tsv csv jsonl json text conll squad",
    "Tasks/Runs/RunFolder": "- what the same run has just written",
    "Tasks/Runs/RunRecipe": "recipe",
    "Tasks/Scoring/AnswerFiles": "score",
    "Tasks/Scoring/LineFile": "score",
    "Terminal/Console": "text",
    "Tokenization/Files/ByteLevelBPETokenizer+Files": "byte-pair-files",
    "Tokenization/Files/TokenizerConfiguration": "tokenizer-config",
    "Tokenization/Files/TokenizerFileReader": "tokenizer",
    "Tokenization/Files/VocabularyFile": "vocabulary byte-pair-files",
    "Training/Run/CheckpointFolder+Choice": "trainer-state",
    "Training/Run/CheckpointManifest": "checkpoint-manifest",
    "Training/Run/MLflowReport": "- its own lines; whatever else is there counts as none",
    "Training/Run/RunLog": "- its own log; lines that are none are passed over",
    "Training/Run/TrainerState": "trainer-state",
  ]

  private static let calls =
    #"\b(FileReader|MappedFile|ByteStream|TextLines)\(|FileReader\.contents|FileContents\.read\(|JSONValue(\(contentsOf|\.reading\()"#
    + #"|YAMLFile\.text|\b(String|Data)\(contentsOf"#

  @Test("whoever opens a file says which format it reads")
  func everyReader() throws {
    let expression = try Regex(Self.calls).wordBoundaryKind(.simple)
    let readers = Set(
      HouseSource.all.filter { source in source.code.contains { $0.contains(expression) } }
        .map { String($0.path.dropLast(6)) })
    let known = Set(Self.formats.keys)
    for path in readers.subtracting(known).sorted() {
      Issue.record(
        "\(path).swift opens files: add it to HouseReaders with its formats, which need a case of FuzzTarget and rows in Tests/Catalogue"
      )
    }
    #expect(known.subtracting(readers).isEmpty, "these open no files any more")
  }

  @Test("every format has a fuzz target with seeds, or a heading in the catalogue")
  func everyFormat() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let catalogue = try FileManager.default.contentsOfDirectory(
      atPath: root.appending(path: "Catalogue").path
    )
    .map { try String(contentsOf: root.appending(path: "Catalogue/\($0)"), encoding: .utf8) }
    .joined(separator: "\n")
    let targets = Set(FuzzTarget.allCases.map(\.rawValue))
    for (path, text) in Self.formats where !text.hasPrefix("- ") {
      for format in text.split(separator: " ").map(String.init) {
        #expect(
          targets.contains(format) || catalogue.contains("\n\(format):\n"),
          "\(path): \(format) has neither fuzz target nor rows")
      }
    }
    let seeds = root.deletingLastPathComponent().appending(path: "Fuzz/Corpora")
    #expect(Set(try FileManager.default.contentsOfDirectory(atPath: seeds.path)) == targets)
  }
}
