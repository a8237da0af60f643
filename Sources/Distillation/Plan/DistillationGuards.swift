import Datasets
import Evaluation
import ModelFormats
public import Tasks
import Training

/// Warnings about a distillation although nothing is wrong with its configuration.
///
/// Each guard looks for models and data that make a bad student likely, and gives a warning or nil.
public enum DistillationGuards {
  /// The sequences below which a student that starts at random is not expected to learn a language.
  public static let fewSequences = 50_000

  /// Warning of a student that starts at random and has fewer than `fewSequences` sequences to learn from.
  public static func freshStudent(_ name: String, sequences: Int) -> Fault? {
    guard sequences < fewSequences else { return nil }
    return Fault(
      "student",
      "\(name) starts at random and has \(sequences) sequences to learn from, fewer than \(fewSequences); take layers "
        + "of the teacher (T3), a model that was pre-trained ('potstill pretrain'), or give more texts (--augment, "
        + "--unlabelled-file)",
      severity: .warning)
  }

  /// Warning of models that read texts of different length, of which the shorter decides what both read.
  ///
  /// - Parameters:
  ///   - teacher: The largest number of tokens that the teacher reads.
  ///   - student: The same of the student.
  ///   - longest: The longest sequence of the data as both read it, in tokens.
  public static func unequalLengths(teacher: Int, student: Int, longest: Int) -> Fault? {
    guard teacher != student, longest >= min(teacher, student) else { return nil }
    let (short, other) = student < teacher ? ("student", "teacher") : ("teacher", "student")
    return Fault(
      "max_seq_length",
      "the \(short) reads \(min(teacher, student)) tokens at most, the \(other) \(max(teacher, student)); longer texts are "
        + "cut for both, so that logits and layers belong to the same tokens", severity: .warning)
  }

  /// Warning of a teacher whose answers to labelled rows are no better than guessing.
  ///
  /// Guessing is, for one label a row, always to give the commonest (accuracy); for numbers a correlation of at most 0.05;
  /// for labels side by side and entities an F1 below 0.01, for answers one below 1 of 100.
  ///
  /// - Parameters:
  ///   - name: What messages call the teacher.
  ///   - evaluation: The teacher's answers and scores.
  ///   - data: The rows.
  ///   - rows: What messages call the rows.
  ///   - remedy: What to look at.
  public static func teacherAtChance(
    _ name: String, _ evaluation: TaskEvaluation, on data: EncodedTask, rows: String = "validation rows",
    remedy: String = "is it fine-tuned on this task, with these labels? Train it with 'potstill train'"
  ) -> Fault? {
    guard let both = data.task.kind.family.chance(evaluation, on: data) else { return nil }
    let (found, chance) = (both.found, both.chance)
    if found.value > chance.value { return nil }
    return Fault(
      "teacher",
      "the \(found.name) of \(name) on \(data.rowCount) \(rows) is \(rounded(found.value)), no better than \(chance.name) "
        + "(\(rounded(chance.value))); \(remedy)",
      severity: .warning)
  }

  private static func rounded(_ value: Double) -> String {
    "\((value * 10_000).rounded() / 10_000)"
  }
}
