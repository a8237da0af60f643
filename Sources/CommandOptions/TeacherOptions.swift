import ArgumentParser
import Distillation
import Encoders
import ModelFormats
import Tasks

extension TeacherAverage: ExpressibleByArgument {}
extension TeacherPrecision: ExpressibleByArgument {}

/// Options of the teachers that the student imitates.
package struct TeacherOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The model to imitate, a Hugging Face directory; or a file of anybody's answers (.jsonl, .csv, .tsv). Given several "
        + "times, the student learns from the mean of all; layers are matched with the first.",
      valueName: "folder"), completion: .file())
  package var teacher: [String] = []

  @Option(
    help: ArgumentHelp(
      "Its answers, made by 'potstill cache'; --teacher may then be left out. Of several teachers give it for each, in their "
        + "order.", valueName: "folder"), completion: .directory)
  package var teacherCache: [String] = []

  @Option(
    help: ArgumentHelp(
      "How much each teacher counts, such as 2,1 (default: all the same).", valueName: "numbers"))
  package var teacherWeights: String?

  @Option(help: "What is averaged over several teachers (default: logits).")
  package var teacherAverage: TeacherAverage?

  @OptionGroup
  package var held: TeacherPrecisionOption

  package init() {}

  /// The first teacher that is a file of answers; nil where all are models.
  package var answers: String? { teacher.first(where: AnswersFile.isNamed) }

  /// The teachers in order: models, caches, or a cache for each model.
  ///
  /// - Throws: `UsageError` when there are models and caches, but not as many; `CommandError` for weights that are no
  ///   positive numbers, and for options that one teacher cannot have.
  package func teachers() throws -> [JobTeacher] {
    guard teacher.isEmpty || teacherCache.isEmpty || teacher.count == teacherCache.count else {
      throw UsageError(
        "found \(teacher.count) --teacher and \(teacherCache.count) --teacher-cache; give a cache for each teacher in the same "
          + "order, only teachers, or only caches")
    }
    let count = max(teacher.count, teacherCache.count)
    let given = [("--teacher-weights", teacherWeights != nil), ("--teacher-average", teacherAverage != nil)]
    if count < 2, let (option, _) = given.first(where: \.1) {
      throw CommandError("\(option) is about several teachers, found one; give --teacher once for each")
    }
    let precision = held.precision
    if precision != .float32, count > 0, !teacher.isEmpty, teacher.allSatisfy(AnswersFile.isNamed) {
      throw CommandError(
        "--teacher-precision is about teachers that are models, and found files of answers; leave it out")
    }
    let weights = try weights(count: count)
    return (0..<count).map { index in
      JobTeacher(
        teacher.isEmpty ? nil : teacher[index], cache: teacherCache.isEmpty ? nil : teacherCache[index],
        weight: weights[index], precision: precision)
    }
  }

  /// The weight of each teacher.
  private func weights(count: Int) throws -> [Double] {
    guard let teacherWeights else { return [Double](repeating: 1, count: count) }
    let parts = teacherWeights.filter { !"[] ".contains($0) }.split(
      separator: ",", omittingEmptySubsequences: false)
    let weights = parts.compactMap { Double($0) }.filter { $0 >= 1e-9 && $0 <= 1e9 }
    guard weights.count == parts.count, weights.count == count else {
      throw CommandError(
        "--teacher-weights is \(teacherWeights); expected a number above 0 for each of the \(count) teachers, from 1e-9 to 1e9, "
          + "such as \([String](repeating: "1", count: count).joined(separator: ","))")
    }
    return weights
  }
}

/// Option of the numbers that teachers' weights are held in while they answer.
package struct TeacherPrecisionOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Numbers that the teacher's weights are held in while it answers, float32 or int8 (default: float32); what int8 costs is "
        + "measured on the validation rows.", valueName: "precision"))
  package var teacherPrecision: TeacherPrecision?

  package init() {}

  /// The precision.
  package var precision: TeacherPrecision { teacherPrecision ?? .float32 }
}

/// Options of a student: its shape, and its sizes by their names in `config.json`, which replace the shape's.
package struct StudentOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "T6, T3 (any T<n>), uniform:3, last:3, first:3, layers:0,5,11, T3-small, T4-tiny, T12-nano, BiGRU, BiLSTM, CNN; the "
        + "teacher cut down, such as layers=3,ffn=50% (see 'potstill compress'); or a Hugging Face directory.",
      valueName: "student"), completion: .directory)
  package var student: String?

  @Option(
    help: ArgumentHelp(
      "A tokenizer of its own for a student of a fresh shape (default: the teacher's).", valueName: "folder"),
    completion: .directory)
  package var studentTokenizer: String?

  @Option(
    help: ArgumentHelp(
      "The model whose layers, embeddings and tokenizer the student takes (default: the teacher; needed where that is a file of "
        + "answers).",
      valueName: "folder"), completion: .directory)
  package var studentFrom: String?

  @Option(
    help: ArgumentHelp(
      "Features of a token: fewer than the teacher's keep those with the largest weights (default: the teacher's; for BiGRU "
        + "and BiLSTM in each direction; 300 for CNN).", valueName: "n"))
  package var hiddenSize: Int?

  @Option(
    help: ArgumentHelp(
      "Features of the word table (default: the teacher's); a narrower one holds what most of the teacher's lies in, and "
        + "makes a BERT an ELECTRA with a projection.", valueName: "n"))
  package var embeddingSize: Int?

  @Option(
    help: ArgumentHelp(
      "Attention heads of a student of the teacher's layers, as wide as the teacher's (default: as many as hidden-size "
        + "holds).", valueName: "n"))
  package var numAttentionHeads: Int?

  @Option(
    help: ArgumentHelp(
      "Feed-forward neurons of a student of the teacher's layers (default: the teacher's).", valueName: "n"))
  package var intermediateSize: Int?

  @Option(
    help: ArgumentHelp(
      "Layers of a BiGRU, BiLSTM (default: 1) or CNN (default: 1, for tokens 3).", valueName: "n"))
  package var numHiddenLayers: Int?

  package init() {}

  /// The student that the options describe.
  package var choice: JobStudent {
    let size = StudentSize(
      hiddenSize: hiddenSize, embeddingSize: embeddingSize, layerCount: numHiddenLayers,
      attentionHeads: numAttentionHeads, intermediateSize: intermediateSize)
    return JobStudent(student ?? "", tokenizer: studentTokenizer, source: studentFrom, size: size)
  }
}
