import Encoders
import ModelFormats

/// A custom match that fits two models: both names found, sizes known.
struct ResolvedCustomMatch {
  let match: CustomMatch
  let teacher: Intermediate
  let student: Intermediate
  /// The projection with both sizes, if there is one.
  let projection: ProjectionConfig?

  /// Finds the values of a match, or says everything that keeps it from being one.
  static func resolve(
    _ match: CustomMatch, _ field: String, teacher: ModelDescription, student: ModelDescription
  ) -> (match: ResolvedCustomMatch?, faults: [Fault]) {
    var faults: [Fault] = []
    if let fault = NumberLimits.weightFault(match.weight) {
      faults.append(Fault("\(field).weight", fault))
    }
    if let type = match.loss.type, !type.comparesSingleValues {
      let losses = MatchLossType.allCases.filter(\.comparesSingleValues)
      faults.append(
        Fault(
          "\(field).loss",
          "\(type.rawValue) compares \(type.feature == .hidden ? "several layers" : "attention"), which no module "
            + "gives; match layers with it, or use one of "
            + losses.map(\.rawValue).joined(separator: ", ")))
    }
    let other = find(match.moduleT, of: teacher, "\(field).module_T", &faults)
    let own = find(match.moduleS, of: student, "\(field).module_S", &faults)
    guard let other, let own else { return (nil, faults) }
    if other.rows != own.rows {
      let words = { (rows: Intermediate.Rows) in rows == .sequences ? "sequence" : "token" }
      faults.append(
        Fault(
          "\(field).module_S",
          "\(own.name) has a row for each \(words(own.rows)), the teacher's \(other.name) for each "
            + "\(words(other.rows)); match values of one kind"))
    }
    var projection = match.projection
    if var sized = projection {
      faults += sized.faults("\(field).proj", studentSize: own.width, teacherSize: other.width)
      (sized.studentSize, sized.teacherSize) = (own.width, other.width)
      projection = sized
    } else if match.loss.type?.needsEqualSizes == true, own.width != other.width {
      faults.append(
        Fault(
          "\(field).proj",
          "\(match.loss.name) compares rows of \(own.width) values of the student with \(other.width) of the "
            + "teacher; add proj: [\"linear\", \(own.width), \(other.width)]"))
    }
    guard faults.isEmpty else { return (nil, faults) }
    return (ResolvedCustomMatch(match: match, teacher: other, student: own, projection: projection), [])
  }

  private static func find(
    _ name: String, of model: ModelDescription, _ field: String, _ faults: inout [Fault]
  ) -> Intermediate? {
    if let found = model.intermediate(named: name) { return found }
    faults.append(model.unknownIntermediate(name, field: field))
    return nil
  }
}
