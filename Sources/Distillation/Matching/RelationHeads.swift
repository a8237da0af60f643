import Encoders
import ModelFormats

/// Number of heads into which relations split the vectors of two models, and what is wrong with it.
struct RelationHeads {
  /// The heads; nil for losses without relations, and meaningless when there are faults.
  let count: Int?
  private(set) var faults: [Fault] = []

  init(_ match: IntermediateMatch, field: String, teacher: ModelDescription, student: ModelDescription) {
    let widths = (teacher: teacher.hiddenSize, student: student.hiddenSize)
    let loss = match.loss.loss
    let standard = Self.standard(teacher: widths.teacher, student: widths.student)
    count = loss.relations.isEmpty ? nil : loss.splitsHeads ? match.relationHeads ?? standard : teacher.heads
    if loss.splitsHeads, let heads = match.relationHeads {
      let divides = heads > 0 && widths.teacher % heads == 0 && widths.student % heads == 0
      if !divides {
        fault(
          "\(field).relation_heads",
          "found \(heads), which must divide the hidden sizes \(widths.teacher) of the teacher and "
            + "\(widths.student) of the student; use \(standard), or leave it out")
      }
    } else if match.relationHeads != nil {
      fault("\(field).relation_heads", "is for minilmv2, not for \(match.loss.rawValue); remove it")
    }
    if let weights = match.relationWeights {
      check(weights, of: match.loss, field: "\(field).relation_weights")
    }
  }

  /// The heads that Wang and others (2021) use, as far as two widths allow.
  ///
  /// They give a head 16 of the teacher's features, so 48 heads for BERT-base and 64 for BERT-large; where the widths do
  /// not divide by so many, it is the next smaller number by which both do.
  static func standard(teacher: Int, student: Int) -> Int {
    stride(from: max(1, teacher / 16), through: 1, by: -1).first {
      teacher % $0 == 0 && student % $0 == 0
    } ?? 1
  }

  private mutating func check(_ weights: [Double], of loss: MatchLossType, field: String) {
    let names = loss.relations
    if names.isEmpty {
      fault(field, "is for minilm and minilmv2, not for \(loss.rawValue); remove it")
    } else if weights.count != names.count || !weights.allSatisfy({ $0 >= 0 && $0.isFinite }) {
      fault(
        field,
        "found \(weights), expected \(names.count) numbers of at least 0: the weights of "
          + names.joined(separator: ", "))
    } else if let problem = weights.lazy.compactMap({ NumberLimits.weightFault($0) }).first {
      fault(field, problem)
    }
  }

  private mutating func fault(_ field: String, _ message: String) {
    faults.append(Fault(field, message))
  }
}
