import ModelFormats

extension Dataset where Example == Question {
  /// Parses the bytes of a file; bad questions are in the report, a file that is no such document is an error.
  init(parsing bytes: [UInt8], path: String, layout: FileLayout, task: TaskDefinition, split: DataSplit)
    throws(TaskDataError)
  {
    self.init(path: path, examples: [])
    var builder = QuestionBuilder(task: task, split: split)
    if layout.format == .jsonl {
      addLines(bytes, task.questions, &builder)
    } else {
      try addDocument(bytes, &builder)
    }
    report.repairs = builder.repairs
  }

  /// Reads SQuAD's document: `data` of articles, `paragraphs` with a `context` and `qas` with their `answers`.
  private mutating func addDocument(_ bytes: [UInt8], _ builder: inout QuestionBuilder) throws(TaskDataError)
  {
    let document: JSONValue
    do {
      document = try JSONValue(parsing: bytes, file: path)
    } catch {
      throw .unreadableFile(path: path, reason: "\(error)")
    }
    guard let articles = document["data"]?.arrayValue else {
      throw .unreadableFile(
        path: path,
        reason: "it has no list \"data\", expected the JSON of SQuAD; one object a line is format jsonl")
    }
    for (a, article) in articles.enumerated() {
      guard let paragraphs = article["paragraphs"]?.arrayValue else {
        add(.failure(Self.fault("data[\(a)]", "no list \"paragraphs\"", "one")))
        continue
      }
      for (p, paragraph) in paragraphs.enumerated() {
        let place = "data[\(a)].paragraphs[\(p)]"
        guard let context = paragraph["context"]?.stringValue, let questions = paragraph["qas"]?.arrayValue
        else {
          add(.failure(Self.fault(place, "a paragraph without context or qas", "both")))
          continue
        }
        let passage = QuestionBuilder.Passage(context)
        for (q, question) in questions.enumerated() {
          add(Self.question(question, passage, "\(place).qas[\(q)]", &builder))
        }
      }
    }
  }

  private static func question(
    _ value: JSONValue, _ passage: QuestionBuilder.Passage, _ path: String, _ builder: inout QuestionBuilder
  ) -> Result<Question, RowFault> {
    guard let id = value["id"].flatMap(JSONLines.scalar) else {
      return .failure(fault(path, "a question without id", "one"))
    }
    let place = "\(path) (id \(id))"
    guard let text = value["question"]?.stringValue else {
      return .failure(fault(place, "no text \"question\"", "one"))
    }
    do throws(RowFault) {
      return .success(
        try builder.question(
          id: id, text: text, passage: passage, answers: try answers(value["answers"], line: 0, place: place),
          isImpossible: value["is_impossible"]?.boolValue, line: 0, place: place))
    } catch {
      return .failure(error)
    }
  }

  /// Reads one JSON object a line, as Hugging Face's copies of SQuAD have it: `id`, `question`, `context` and `answers`.
  private mutating func addLines(
    _ bytes: [UInt8], _ settings: QuestionSettings, _ builder: inout QuestionBuilder
  ) {
    JSONLines.forEach(bytes) { line, object in
      let row = object.flatMap { object -> Result<Question, RowFault> in
        do throws(RowFault) {
          let text = try JSONLines.text(settings.questionColumn, of: object, line: line)
          let context = try JSONLines.text(settings.contextColumn, of: object, line: line)
          var answers: [(text: String, start: Int?)]?
          if case .name(let key) = settings.answerColumn {
            answers = try Self.answers(object[key], line: line, place: nil)
          }
          return .success(
            try builder.question(
              id: object["id"].flatMap(JSONLines.scalar) ?? "\(line)", text: text, passage: .init(context),
              answers: answers, isImpossible: object["is_impossible"]?.boolValue, line: line, place: nil))
        } catch {
          return .failure(error)
        }
      }
      add(row)
    }
  }

  /// Answers as SQuAD's list of objects or as Hugging Face's object of two lists; nil where there are none at all.
  private static func answers(
    _ value: JSONValue?, line: Int, place: String?
  ) throws(RowFault) -> [(text: String, start: Int?)]? {
    guard let value, !value.isNull else { return nil }
    var pairs: [(JSONValue?, JSONValue?)] = []
    if let list = value.arrayValue {
      pairs = list.map { ($0["text"], $0["answer_start"]) }
    } else if let texts = value["text"]?.arrayValue {
      let starts = value["answer_start"]?.arrayValue
      pairs = texts.enumerated().map { index, text in
        (text, starts.flatMap { index < $0.count ? $0[index] : nil })
      }
    } else {
      throw RowFault(line: line, place: place, found: "answers as JSON \(value.kind)", expected: "a list")
    }
    var answers: [(text: String, start: Int?)] = []
    for (text, start) in pairs {
      guard let text = text?.stringValue else {
        throw RowFault(line: line, place: place, found: "an answer without text", expected: "one")
      }
      // Some copies have the offset as a string; -1 (CMRC) says that nobody looked.
      let offset = start.flatMap { $0.intValue ?? $0.stringValue.flatMap { Int($0) } }
      answers.append((text, offset.flatMap { $0 < 0 ? nil : $0 }))
    }
    return answers
  }

  private static func fault(_ place: String, _ found: String, _ expected: String) -> RowFault {
    RowFault(place: place, found: found, expected: expected)
  }
}
