public import Datasets
public import Encoders
import ModelFormats
public import Tensors
public import Training

/// Layer distillation of CoFi: each of some of the teacher's layers teaches the student's layer that is closest to it (Xia, Zhong
/// and Chen 2022).
///
/// With a linear map W that is learnt, D_ij is the mean squared difference of the teacher's layer i and W times the student's
/// layer j, over tokens and features. Each batch chooses j for each i, and the loss is the sum of the chosen D_ij. A student's layer
/// that masks have closed (`Context.closed`) is not chosen.
///
/// ```swift
/// let layers = try ClosestLayers(teacher: teacher.config, student: student.config)
/// let distiller = try GeneralDistiller(
///   DistillationConfig(temperature: 2, kdLossWeight: 0.1, hardLabelWeight: 0), teacher: LiveTeacher(teacher),
///   student: student, terms: [layers])
/// let masks = try LearntMaskObjective(distiller, of: student, as: LearntMasks(sparsity: 0.6, warmUp: 500), steps: steps)
/// ```
public final class ClosestLayers: LossTerm {
  /// Order that the chosen layers keep.
  public enum Order: Sendable, Equatable {
    /// Any (version 3 of the authors' program).
    case any
    /// That of the teacher's layers, from the last one down (version 4): a layer before another is matched before it, or with
    /// the same one where none is left.
    case teachers
  }

  /// The name `unweighted_closest_layers`.
  public let name = "unweighted_closest_layers"
  /// The student's layers.
  public let studentTaps: [String]
  /// The teacher's layers that teach.
  public let teacherTaps: [String]
  /// The learnt linear map from the student's features to the teacher's; between equal widths it starts as the identity.
  public let map: Projection
  private let weight: Double
  private let order: Order

  /// A term for two models.
  ///
  /// - Parameters:
  ///   - teacher: The teacher's configuration.
  ///   - student: The student's.
  ///   - layers: The teacher's layers that teach, counted from 0, ascending; nil takes the last of each quarter, which are 2, 5, 8
  ///     and 11 of 12.
  ///   - weight: The factor in the total, 0.9 in the paper.
  ///   - order: The order that the chosen layers keep.
  ///   - seed: Decides where the map starts, where the widths differ.
  /// - Throws: `DistillationError.invalidConfiguration` for layers that are not there.
  public init(
    teacher: EncoderConfig, student: EncoderConfig, layers: [Int]? = nil, weight: Double = 0.9,
    order: Order = .teachers, seed: UInt64 = 42
  ) throws(DistillationError) {
    let chosen = layers ?? Self.quarters(of: teacher.layerCount)
    guard !chosen.isEmpty, chosen.allSatisfy({ (0..<teacher.layerCount).contains($0) }),
      zip(chosen, chosen.dropFirst()).allSatisfy(<)
    else {
      throw .invalidConfiguration([
        Fault(
          "layers",
          "found \(chosen), expected some of the teacher's layers 0 to \(teacher.layerCount - 1), each once and in order"
        )
      ])
    }
    (self.weight, self.order) = (weight, order)
    teacherTaps = chosen.map { teacher.hiddenStateNames[$0 + 1] }
    studentTaps = Array(student.hiddenStateNames.dropFirst())
    map = Projection(
      .linear, studentSize: student.outputSize, teacherSize: teacher.outputSize, name: "closest_layers",
      seed: seed,
      stream: 0)
    if student.outputSize == teacher.outputSize {
      let size = student.outputSize
      let identity = (0..<size * size).map { Float($0 % (size + 1) == 0 ? 1 : 0) }
      map.weight.assign(Tensor(identity, shape: [size, size]))
    }
  }

  /// The last layer of each quarter, or every layer of fewer than four.
  private static func quarters(of count: Int) -> [Int] {
    count < 4 ? Array(0..<count) : (1...4).map { $0 * count / 4 - 1 }
  }

  /// The map, learnt at the run's rate.
  public var groups: [ParameterGroup] {
    [
      ParameterGroup(name: "closest_layers", parameters: [map.weight]),
      ParameterGroup(name: "closest_layers_no_decay", parameters: [map.bias], weightDecay: 0),
    ]
  }

  /// The factor in the total.
  public func weight(progress: Double) -> Double { weight }

  /// The sum over the teacher's layers of the mean squared difference from the closest of the student's.
  ///
  /// - Throws: `DistillationError.adaptor` when a layer is missing or both sides have different rows.
  public func loss(student: Answers, teacher: Answers, batch: Batch, in context: Context) throws -> Tensor {
    func rows(_ names: [String], of answers: Answers) throws(DistillationError) -> [Tensor] {
      var found: [Tensor] = []
      for name in names {
        let value = try answers.value(name)
        found.append(answers.rows.map { value.rows(at: $0) } ?? value)
      }
      return found
    }
    let closed = context.closed?.layers ?? []
    let own = try rows(studentTaps, of: student).enumerated().filter { !closed.contains($0.offset) }
      .map { map($0.element, in: context) }
    let other = try rows(teacherTaps, of: teacher).map(\.detached)
    guard let first = own.first, let target = other.first, first.shape[0] > 0 else { return Tensor(0) }
    guard first.shape[0] == target.shape[0] else {
      throw DistillationError.adaptor(
        side: "student", field: "values",
        message: "\(name) compares \(first.shape) of the student with \(target.shape) of the teacher")
    }
    let distances = other.map { teacher in own.map { Double($0.detached.meanSquaredError(to: teacher).item) }
    }
    let terms = Self.choice(distances, order: order).enumerated().map {
      own[$1].meanSquaredError(to: other[$0])
    }
    return terms.dropFirst().reduce(terms[0], +)
  }

  /// The student's layer for each of the teacher's, by their distances [teacher's layers][student's layers].
  package static func choice(_ distances: [[Double]], order: Order) -> [Int] {
    var last = distances[0].count
    var chosen: [Int] = []
    for row in distances.reversed() {
      let candidates =
        switch order {
        case .any: row.indices
        case .teachers: row.indices.prefix(last)
        }
      let best = candidates.min { (row[$0], $0) < (row[$1], $1) } ?? last
      chosen.append(best)
      last = best
    }
    return chosen.reversed()
  }
}
