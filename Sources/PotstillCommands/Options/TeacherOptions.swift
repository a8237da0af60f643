import ArgumentParser
import Distillation
import ModelFormats

extension TeacherAverage: ExpressibleByArgument {}

/// Whom the student imitates.
package struct TeacherOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The model to imitate, a Hugging Face directory. Given several times, the student learns from the mean of all; layers "
        + "are matched with the first.", valueName: "folder"))
  package var teacher: [String] = []

  @Option(
    help: ArgumentHelp(
      "Its answers, made by 'potstill cache'; --teacher may then be left out. Of several teachers give it for each, in their "
        + "order.", valueName: "folder"))
  package var teacherCache: [String] = []

  @Option(
    help: ArgumentHelp(
      "How much each teacher counts, such as 2,1 (default: all the same).", valueName: "numbers"))
  package var teacherWeights: String?

  @Option(help: "What is averaged over several teachers (default: logits).")
  package var teacherAverage: TeacherAverage?

  package init() {}

  /// The weight of each teacher.
  ///
  /// - Parameter count: How many there are, as models or as answers.
  func weights(count: Int) throws -> [Double] {
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

  /// Throws what makes no sense for one teacher.
  func check(count: Int) throws {
    guard count < 2 else { return }
    for (option, isGiven) in [
      ("--teacher-weights", teacherWeights != nil), ("--teacher-average", teacherAverage != nil),
    ] where isGiven {
      throw CommandError("\(option) is about several teachers, found one; give --teacher once for each")
    }
  }
}
