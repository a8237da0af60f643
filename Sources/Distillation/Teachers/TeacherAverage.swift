/// What is averaged where several teachers teach one student.
///
/// With z_k the logits of teacher k, w_k its share (the shares add up to 1), τ the temperature and L the KD loss:
/// `logits`: L(student, Σ w_k z_k), TextBrewer's way; `probabilities`: L against Σ w_k softmax(z_k/τ);
/// `losses`: Σ w_k L(student, z_k). The cross-entropy is linear in the teacher, so with `ce` and one temperature the last two are
/// one; a mean of logits instead is a geometric mean of the distributions, which a teacher that rules a class out decides alone.
/// Where labels hold side by side σ takes the place of the softmax, where positions are scored the softmax is over each
/// sequence's.
public enum TeacherAverage: String, Sendable, Codable, CaseIterable {
  /// The weighted mean of the logits.
  case logits
  /// The weighted mean of the distributions at the configuration's temperature.
  case probabilities
  /// The weighted mean of the losses against each teacher.
  case losses
}
