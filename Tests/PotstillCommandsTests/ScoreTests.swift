import Foundation
import ModelFormats
import Testing

@Suite("potstill score")
struct ScoreTests {
  /// A folder of small files for one test.
  private final class Files {
    let folder = FileManager.default.temporaryDirectory.appending(path: "score-\(UUID().uuidString)")

    init(_ files: [String: String]) throws {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      for (name, text) in files {
        try text.write(to: folder.appending(path: name), atomically: true, encoding: .utf8)
      }
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// Scores the files p and g of the folder; other file names after `/` are put into it too.
    func score(_ options: [String], _ predictions: String, _ gold: String) -> ToolRun {
      let options = options.map { $0.hasPrefix("/") ? folder.path + $0 : $0 }
      return potstill(
        ["score"] + options + [path(predictions), path(gold)])
    }

    func path(_ name: String) -> String { folder.appending(path: name).path }
  }

  static let squad = """
    {"version": "1.1", "data": [{"title": "T", "paragraphs": [{"context": "The Nile is long.", "qas": [
      {"id": "q1", "question": "?", "answers": [{"text": "The Nile", "answer_start": 0}]},
      {"id": "q2", "question": "?", "answers": [{"text": "very long", "answer_start": 12}, {"text": "long", "answer_start": 12}]},
      {"id": "q3", "question": "?", "answers": []}]}]}]}
    """

  @Test func squadAnswersHaveTheScriptsNames() throws {
    let gold = Self.squad.replacingOccurrences(
      of: "\"answers\": []", with: "\"answers\": [{\"text\": \"it\"}]")
    let files = try Files(["p.json": "{\"q1\": \"nile!\", \"q2\": \"is long\"}", "g.json": gold])
    let run = files.score(["--metric", "squad", "--json"], "p.json", "g.json")
    #expect(run.code == 0)
    let scores = try JSONValue(parsing: run.output)
    #expect(scores.objectValue?.keys == ["exact_match", "f1"])
    #expect(scores["exact_match"]?.doubleValue == 100.0 / 3)
    // "is long" shares one token of two with "long".
    #expect(scores["f1"]?.doubleValue == 100 * (1 + 2 * 0.5 * 1 / 1.5) / 3)
    #expect(run.messages == "potstill: warning: Unanswered question q3 will receive score 0.\n")
  }

  @Test func squadV2TakesNullOdds() throws {
    let files = try Files([
      "p.json": "{\"q1\": \"Nile\", \"q2\": \"no\", \"q3\": \"it\"}", "g.json": Self.squad,
      "odds.json": "{\"q1\": -3, \"q2\": 0.5, \"q3\": 4}",
    ])
    let run = files.score(
      ["--metric", "squad_v2", "--na-prob-file", "/odds.json", "--json"], "p.json", "g.json")
    let scores = try JSONValue(parsing: run.output)
    #expect(scores["exact"]?.doubleValue == 100.0 * 2 / 3 && scores["total"]?.intValue == 3)
    #expect(scores["NoAns_exact"]?.doubleValue == 100 && scores["HasAns_f1"]?.doubleValue == 50)
    #expect(
      scores["best_exact"]?.doubleValue == 100.0 * 2 / 3 && scores["best_exact_thresh"]?.doubleValue == -3)
    let short = files.score(["--metric", "squad_v2", "--na-prob-file", "/p.json"], "p.json", "g.json")
    #expect(short.code == 1)
    #expect(short.messages.contains("p.json: field q1: found a string, expected a number"))
  }

  @Test func cmrcTakesItsOwnFormToo() throws {
    let files = try Files([
      "p.json": "{\"a\": \"北京。\", \"b\": \"上海 1990\"}",
      "g.json": """
      [{"context_id": "c", "context_text": "…", "qas": [
        {"query_id": "a", "query_text": "?", "answers": ["北京"]},
        {"query_id": "b", "query_text": "?", "answers": ["在上海", "上"]}]}]
      """,
    ])
    let run = files.score(["--metric", "cmrc2018"], "p.json", "g.json")
    // 上海 is two of the three segments on either side: F1 2/3.
    #expect(
      run.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) } == [
        ["AVERAGE", "66.66666666666666"], ["F1", "83.33333333333333"], ["EM", "50.0"], ["TOTAL", "2"],
        ["SKIP", "0"],
      ])
  }

  @Test func idsAreIntegersTooAndCMRCsHaveNoSpacesAround() throws {
    let files = try Files([
      "p.json": "{\"a\": \"北京\", \"7\": \"上海\"}",
      "own.json": """
      [{"context_text": "…", "qas": [
        {"query_id": " a ", "answers": ["北京"]}, {"query_id": 7, "answers": ["上海"]}]}]
      """,
      "squad.json": """
      {"data": [{"paragraphs": [{"context": "…", "qas": [
        {"id": " a ", "answers": [{"text": "北京"}]}, {"id": 7, "answers": [{"text": "上海"}]}]}]}]}
      """,
      "odd.json": "[{\"qas\": [{\"query_id\": 1.5, \"answers\": []}]}]",
    ])
    func exact(_ metric: String, _ gold: String, _ name: String) throws -> Double? {
      let run = files.score(["--metric", metric, "--json"], "p.json", gold)
      return try JSONValue(parsing: run.output)[name]?.doubleValue
    }
    #expect(try exact("cmrc2018", "own.json", "EM") == 100)
    #expect(try exact("cmrc2018", "squad.json", "EM") == 100)
    // SQuAD's script takes ids as they are.
    #expect(try exact("squad", "squad.json", "exact_match") == 50)
    let odd = files.score(["--metric", "cmrc2018"], "p.json", "odd.json")
    #expect(odd.code == 1)
    #expect(
      odd.messages.contains(
        "odd.json: field [0].qas[0].query_id: found a number, expected a string or an integer"))
  }

  @Test func entitiesAreReadLenientlyOrStrictly() throws {
    let files = try Files([
      "p.txt": "EU B-ORG\nsays I-ORG\n\nto I-PER\n",
      "g.txt": "-DOCSTART- O\n\nEU\tx\tB-ORG\r\nsays\tx\tO\n\n\nto I-PER\n\n",
      "short.txt": "EU B-ORG\n\nto O\n", "odd.txt": "EU B-ORG\nsays S-ORG\n\nto O\n",
    ])
    let lenient = try JSONValue(
      parsing: files.score(["--metric", "seqeval", "--json"], "p.txt", "g.txt").output)
    #expect(lenient["PER"] == ["precision": 1.0, "recall": 1.0, "f1": 1.0, "number": 1])
    #expect(lenient["overall_f1"]?.doubleValue == 0.5 && lenient["overall_accuracy"]?.doubleValue == 2.0 / 3)
    let strict = files.score(
      ["--metric", "seqeval", "--mode", "strict", "--scheme", "IOB2"], "p.txt", "g.txt")
    #expect(strict.code == 0 && strict.output.contains("overall") && !strict.output.contains("PER"))
    let short = files.score(["--metric", "seqeval"], "short.txt", "g.txt")
    #expect(short.code == 1)
    #expect(short.messages.contains("short.txt:1: found 1 tokens in sentence 1, expected 2 as at"))
    #expect(short.messages.contains("g.txt:3; both need the same sentences in the same order"))
    let odd = files.score(
      ["--metric", "seqeval", "--mode", "strict", "--scheme", "IOB2"], "odd.txt", "g.txt")
    #expect(odd.messages.contains("odd.txt:2: found the tag \"S-ORG\", expected a prefix of IOB2: I, O, B"))
  }

  @Test func sentencesThatWereLeftOutAreFound() throws {
    let files = try Files([
      "g.txt": "EU B-ORG\n\nto O\nme O\n\nhe O\n", "middle.txt": "EU B-ORG\n\nhe O\n",
      "end.txt": "EU B-ORG\n\nto O\nme O\n",
    ])
    let middle = files.score(["--metric", "seqeval"], "middle.txt", "g.txt")
    #expect(middle.code == 1)
    for part in [
      "middle.txt:3: found 1 tokens in sentence 2, expected 2 as at",
      "g.txt:3. The files have 2 and 3 sentences;",
    ] { #expect(middle.messages.contains(part), "\(middle.messages)") }
    let end = files.score(["--metric", "seqeval"], "end.txt", "g.txt")
    for part in [
      "end.txt: found 2 sentences, expected 3 as in", "differ from sentence 3 on, at", "g.txt:6; both need",
    ] { #expect(end.messages.contains(part), "\(end.messages)") }
  }

  @Test func columnsOfTablesWithoutAHeaderHavePositions() throws {
    // As CoLA's own files, beside what run_glue writes.
    let files = try Files([
      "p.txt": "index\tprediction\n0\t1\n1\t0\n2\t1\n",
      "dev.tsv": "gj04\t1\t\tThe sailors rode.\ngj04\t0\t*\tThe car honked down.\ncj99\t0\t*\tIt.\n",
      "bare.tsv": "0\t1\n1\t0\n2\t1\n",
    ])
    let options = ["--metric", "accuracy", "--json", "--label-column", "1"]
    let cases: [(String, [String])] = [
      ("p.txt", []), ("p.txt", ["--prediction-column", "prediction"]),
      ("bare.tsv", ["--prediction-column", "1"]),
    ]
    for (predictions, more) in cases {
      let run = files.score(options + ["--no-header"] + more, predictions, "dev.tsv")
      try #require(run.code == 0, "\(run.messages)")
      #expect(try JSONValue(parsing: run.output)["accuracy"]?.doubleValue == 2.0 / 3)
    }
    // A row of data is no header.
    let named = files.score(options, "p.txt", "dev.tsv")
    #expect(named.code == 1)
    #expect(
      named.messages.contains("dev.tsv: the column 1 is a number, expected a name"), "\(named.messages)")
    #expect(named.messages.contains("add --no-header"))
    let far = files.score(
      ["--metric", "accuracy", "--no-header", "--label-column", "4"], "p.txt", "dev.tsv")
    #expect(
      far.messages.contains("dev.tsv:1: found 4 columns, expected one at position 4"), "\(far.messages)")
    #expect(files.score(["--metric", "accuracy", "--no-header"], "p.txt", "dev.tsv").code == 64)
  }

  @Test func labelsOfTwoSpellingsAreNotScored() throws {
    let files = try Files([
      "words.txt": "positive\nnegative\npositive\n", "codes.txt": "1\n0\n0\n",
      "floats.txt": "1.0\n0.0\n1.0\n",
      "some.txt": "1\n1\n1\n", "others.txt": "0\n0\n0\n",
    ])
    let apart = files.score(["--metric", "accuracy"], "words.txt", "codes.txt")
    #expect(apart.code == 1 && apart.output.isEmpty)
    for part in [
      "words.txt: found the labels negative, positive, but", "codes.txt has 0, 1 and none of these",
    ] {
      #expect(apart.messages.contains(part), "\(apart.messages)")
    }
    // A model may always give the one label that is never right.
    #expect(files.score(["--metric", "f1_macro"], "some.txt", "others.txt").code == 0)
    #expect(files.score(["--metric", "accuracy"], "some.txt", "codes.txt").code == 0)
    // Numbers are equal however they are written.
    let numbers = files.score(
      ["--metric", "accuracy", "--metric", "f1", "--pos-label", "1.0", "--json"], "floats.txt", "codes.txt")
    try #require(numbers.code == 0, "\(numbers.messages)")
    #expect(try JSONValue(parsing: numbers.output) == ["accuracy": .double(2.0 / 3), "f1": .double(2.0 / 3)])
  }

  @Test func labelsAndNumbersComeFromLinesTablesAndObjects() throws {
    let files = try Files([
      "p.tsv": "index\tprediction\n0\tyes\n1\tyes\n2\tno\n3\tno\n", "g.txt": "yes\nno\nno\nno\n",
      "p.jsonl": "{\"label\": 1.5}\n{\"label\": 2}\n{\"label\": \"4\"}\n",
      "g.tsv": "score\tx\n1\ta\n2\tb\n3\tc\n",
      "bad.txt": "1\ntwo\n3\n",
    ])
    let labels = files.score(
      ["--metric", "accuracy", "--metric", "f1", "--pos-label", "yes", "--json"], "p.tsv", "g.txt")
    #expect(try JSONValue(parsing: labels.output) == ["accuracy": 0.75, "f1": .double(2.0 / 3)])
    let unnamed = files.score(["--metric", "f1"], "p.tsv", "g.txt")
    #expect(unnamed.code == 1 && unnamed.messages.contains("found the labels no, yes"))
    let numbers = files.score(["--metric", "spearmanr", "--metric", "mse", "--json"], "p.jsonl", "g.tsv")
    #expect(try JSONValue(parsing: numbers.output)["mse"]?.doubleValue == 1.25 / 3)
    let bad = files.score(["--metric", "pearson"], "bad.txt", "g.tsv")
    #expect(bad.code == 1 && bad.messages.contains("bad.txt:2: found \"two\", expected a number"))
    let unequal = files.score(["--metric", "accuracy"], "bad.txt", "g.txt")
    #expect(unequal.messages.contains("bad.txt: found 3 predictions, expected 4 as in"))
    let columns = files.score(["--metric", "mae", "--label-column", "y"], "p.jsonl", "g.tsv")
    #expect(columns.messages.contains("g.tsv:1: found the columns score, x, expected one called y"))
  }

  @Test func setsOfLabelsComeFromCellsAndLists() throws {
    // As scikit-learn scores them: micro F1 4/5; a has F1 1, b 0 and c 1.
    let files = try Files([
      "p.tsv": "index\tprediction\n0\ta,c\n1\t\n2\tb\n",
      "g.jsonl": "{\"labels\": [\"c\", \"a\"]}\n{\"labels\": []}\n{\"labels\": \"\"}\n",
    ])
    let options = ["--multi-label", "--metric", "f1_micro", "--metric", "f1_macro", "--metric", "accuracy"]
    let run = files.score(options + ["--json"], "p.tsv", "g.jsonl")
    #expect(
      try JSONValue(parsing: run.output)
        == ["f1_micro": 0.8, "f1_macro": .double(2.0 / 3), "accuracy": .double(2.0 / 3)])
    let known = files.score(options + ["--labels", "a,b,c,d", "--json"], "p.tsv", "g.jsonl")
    #expect(try JSONValue(parsing: known.output)["f1_macro"] == 0.5)
    let unknown = files.score(options + ["--labels", "a,b"], "p.tsv", "g.jsonl")
    #expect(unknown.messages.contains("p.tsv:2: found the label \"c\", expected of a, b"))
    #expect(files.score(["--multi-label", "--metric", "f1"], "p.tsv", "g.jsonl").code == 64)
    #expect(files.score(["--labels", "a", "--metric", "f1"], "p.tsv", "g.jsonl").code == 64)
  }

  @Test func wrongUseAndWrongFilesAreNamed() throws {
    let files = try Files(["p.json": "{\"q1\": 3}", "g.json": "{\"data\": [{\"paragraphs\": [{}]}]}"])
    let unknown = files.score(["--metric", "squid"], "p.json", "g.json")
    #expect(
      unknown.code == 64 && unknown.messages.contains("--metric squid is not known; expected one of squad,"))
    #expect(files.score([], "p.json", "g.json").code == 64)
    #expect(files.score(["--metric", "accuracy", "--metric", "mse"], "p.json", "g.json").code == 64)
    #expect(files.score(["--metric", "squad", "--scheme", "IOB2"], "p.json", "g.json").code == 64)
    let gold = files.score(["--metric", "squad"], "p.json", "g.json")
    #expect(gold.code == 1 && gold.messages.contains("g.json: field data[0].paragraphs[0]: found no \"qas\""))
    let empty = try Files(["p.json": "{\"q1\": 3}", "g.json": Self.squad])
    #expect(
      empty.score(["--metric", "squad"], "p.json", "g.json").messages
        .contains("p.json: field q1: found an integer, expected a string"))
    #expect(empty.score(["--metric", "squad"], "none.json", "g.json").code == 1)
  }
}
