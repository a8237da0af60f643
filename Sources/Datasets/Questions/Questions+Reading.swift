import Foundation
import ModelFormats

extension Dataset where Example == Question {
  /// Parses the bytes of a file; bad questions are in the report, a file that is no such document is an error.
  ///
  /// - Parameter stripsIDs: Whether ids lose the white space around them.
  /// - Throws: `DatasetError.unreadableFile`.
  package init(
    parsing bytes: [UInt8], path: String, layout: RowLayout, split: DataSplit, settings: QuestionSettings,
    stripsIDs: Bool
  ) throws(DatasetError) {
    var parser = QuestionParser(
      path: path, layout: layout, split: split, settings: settings, stripsIDs: stripsIDs)
    self = try parser.rows(of: bytes, path: path)
  }
}

/// Parser of questions; bad ones are in the report, a file that is no such document is an error.
package struct QuestionParser: RowParser {
  private let path: String
  private let layout: RowLayout
  private let settings: QuestionSettings
  private var builder: QuestionBuilder

  /// A parser of a file.
  ///
  /// - Parameter stripsIDs: Whether ids lose the white space around them.
  package init(
    path: String, layout: RowLayout, split: DataSplit, settings: QuestionSettings, stripsIDs: Bool
  ) {
    (self.path, self.layout, self.settings) = (path, layout, settings)
    builder = QuestionBuilder(
      allowsImpossible: settings.version2WithNegative, stripsIDs: stripsIDs, split: split)
  }

  /// Adds the questions of a piece.
  ///
  /// - Throws: `DatasetError.unreadableFile`.
  package mutating func read(
    _ piece: RowPiece, into dataset: inout Dataset<Question>
  ) throws(DatasetError) -> RowPiece? {
    if layout.format.holdsObjects {
      dataset.addObjects(piece, layout, settings, &builder)
    } else {
      try dataset.addDocument(Array(piece.bytes), &builder)
    }
    return nil
  }

  /// Adds what was repaired to the report.
  package mutating func finish(_ dataset: inout Dataset<Question>) {
    dataset.report.add(builder.repairs)
  }
}

extension Dataset where Example == Question {
  /// Reads SQuAD's document: `data` of articles, `paragraphs` with a `context` and `qas` with their `answers`; or CMRC
  /// 2018's own: a list of passages with a `context_text` and `qas`, whose answers are texts alone.
  fileprivate mutating func addDocument(_ bytes: [UInt8], _ builder: inout QuestionBuilder)
    throws(DatasetError)
  {
    let document: JSONValue
    do {
      document = try JSONValue(parsing: bytes, file: path)
    } catch {
      throw .unreadableFile(path: path, reason: "\(error)")
    }
    let list = document.arrayValue
    guard let articles = list ?? document["data"]?.arrayValue else {
      throw .unreadableFile(
        path: path,
        reason: "it has no list \"data\", expected the JSON of SQuAD or CMRC 2018; "
          + "one object a line is format jsonl")
    }
    for (a, article) in articles.enumerated() {
      let place = list == nil ? "data[\(a)]" : "[\(a)]"
      if let paragraphs = article["paragraphs"]?.arrayValue {
        for (p, paragraph) in paragraphs.enumerated() {
          addPassage(paragraph, "\(place).paragraphs[\(p)]", &builder)
        }
      } else if list != nil || article["qas"] != nil {
        addPassage(article, place, &builder)
      } else {
        add(.failure(Self.fault(place, "no list \"paragraphs\"", "one")))
      }
    }
  }

  private mutating func addPassage(_ value: JSONValue, _ place: String, _ builder: inout QuestionBuilder) {
    let (text, list) = (value["context"] ?? value["context_text"] ?? .null, value["qas"] ?? .null)
    guard let context = text.stringValue else {
      return add(
        .failure(
          Self.fault(place, text.isNull ? "a paragraph without context" : "\(text.kind) as context", "a text")
        ))
    }
    guard let questions = list.arrayValue else {
      return add(
        .failure(Self.fault(place, list.isNull ? "a paragraph without qas" : "\(list.kind) as qas", "a list"))
      )
    }
    let passage = QuestionBuilder.Passage(context)
    for (q, question) in questions.enumerated() {
      add(Self.question(question, passage, "\(place).qas[\(q)]", &builder))
    }
  }

  private static func question(
    _ value: JSONValue, _ passage: QuestionBuilder.Passage, _ path: String, _ builder: inout QuestionBuilder
  ) -> Result<Question, RowFault> {
    guard let id = Self.id(of: value) else {
      return .failure(fault(path, "a question without id", "one"))
    }
    let place = "\(path) (id \(id))"
    guard let text = (value["question"] ?? value["query_text"])?.stringValue else {
      return .failure(fault(place, "no text \"question\"", "one"))
    }
    do throws(RowFault) {
      return .success(
        try builder.question(
          id: id, text: text, passage: passage, answers: try answers(value["answers"], line: 0, place: place),
          isImpossible: JSONRows.flag(value["is_impossible"]), line: 0, place: place))
    } catch {
      return .failure(error)
    }
  }

  /// The id of a question: `query_id` in CMRC 2018's own form, around which its script strips white space.
  private static func id(of question: JSONValue) -> String? {
    if let id = question["id"] { return JSONRows.scalar(id) }
    guard let id = question["query_id"].flatMap(JSONRows.scalar) else { return nil }
    return id.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// Reads JSON objects, as Hugging Face's copies of SQuAD have it: `id`, `question`, `context` and `answers`.
  fileprivate mutating func addObjects(
    _ piece: RowPiece, _ layout: RowLayout, _ settings: QuestionSettings, _ builder: inout QuestionBuilder
  ) {
    JSONRows.forEach(piece, layout.format) { line, object in
      let row = object.flatMap { object -> Result<Question, RowFault> in
        do throws(RowFault) {
          let text = try JSONRows.text(settings.questionColumn, of: object, line: line)
          let context = try JSONRows.text(settings.contextColumn, of: object, line: line)
          var answers: [QuestionBuilder.RawAnswer]?
          if case .name(let key) = settings.answerColumn {
            answers = try Self.answers(object[key], line: line, place: nil)
          }
          return .success(
            try builder.question(
              id: object["id"].flatMap(JSONRows.scalar) ?? "\(line)", text: text, passage: .init(context),
              answers: answers, isImpossible: JSONRows.flag(object["is_impossible"]), line: line, place: nil)
          )
        } catch {
          return .failure(error)
        }
      }
      add(row)
    }
  }

  /// Answers as SQuAD's list of objects, as CMRC's of texts or as Hugging Face's object of two lists; nil where there are
  /// none at all.
  private static func answers(
    _ value: JSONValue?, line: Int, place: String?
  ) throws(RowFault) -> [QuestionBuilder.RawAnswer]? {
    guard let value, !value.isNull else { return nil }
    var pairs: [(JSONValue?, JSONValue?)] = []
    if let list = value.arrayValue {
      let texts = list.compactMap(\.stringValue)
      if !texts.isEmpty, texts.count == list.count {
        return texts.map { QuestionBuilder.RawAnswer(text: $0, start: nil, isBare: true) }
      }
      pairs = list.map { ($0["text"], $0["answer_start"]) }
    } else if let texts = value["text"]?.arrayValue {
      let starts = value["answer_start"]?.arrayValue
      pairs = texts.enumerated().map { index, text in
        (text, starts.flatMap { index < $0.count ? $0[index] : nil })
      }
    } else {
      throw RowFault(line: line, place: place, found: "answers as \(value.kind)", expected: "a list")
    }
    var answers: [QuestionBuilder.RawAnswer] = []
    for (text, start) in pairs {
      guard let text = text?.stringValue else {
        throw RowFault(line: line, place: place, found: "an answer without text", expected: "one")
      }
      // Some copies have the offset as a string or as 93.0; -1 (CMRC) says that nobody looked.
      let offset = start?.wholeNumber
      let claim = offset == nil && start?.isNull == false ? start?.compactText : nil
      answers.append(
        QuestionBuilder.RawAnswer(text: text, start: offset.flatMap { $0 < 0 ? nil : $0 }, claim: claim))
    }
    return answers
  }

  private static func fault(_ place: String, _ found: String, _ expected: String) -> RowFault {
    RowFault(place: place, found: found, expected: expected)
  }
}
