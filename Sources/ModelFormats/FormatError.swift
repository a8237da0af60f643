/// What is wrong with a file: names the file, the line or tensor or field, what was found and what was expected.
public enum FormatError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The operating system would not let us read the file.
  case cannotRead(file: String, reason: String)
  /// The operating system would not let us write or rename the file.
  case cannotWrite(file: String, reason: String)
  /// The text is not valid JSON; line and column count from 1, columns in bytes.
  case json(file: String, line: Int, column: Int, reason: String)
  /// The JSON is valid, but a field has the wrong type or value.
  case field(file: String, path: String, reason: String)
  /// The file as a whole is not valid safetensors.
  case safetensors(file: String, reason: String)
  /// The file as a whole is not a dictionary of tensors as `torch.save` writes it, or holds what is never read.
  case pytorch(file: String, reason: String)
  /// One tensor's entry in a checkpoint is wrong.
  case tensor(file: String, name: String, reason: String)

  /// The message for a person: file, place, what was found, what was expected.
  public var description: String {
    switch self {
    case .cannotRead(let file, let reason): "cannot read \(file): \(reason)"
    case .cannotWrite(let file, let reason): "cannot write \(file): \(reason)"
    case .json(let file, let line, let column, let reason):
      "\(file):\(line):\(column): \(printable(reason, atMost: 1000))"
    case .field(let file, let path, let reason):
      "\(file): field \(printable(path, atMost: 200)): \(printable(reason, atMost: 1000))"
    case .safetensors(let file, let reason):
      "\(file): not a valid safetensors file: \(printable(reason, atMost: 1000))"
    case .pytorch(let file, let reason):
      "\(file): not a PyTorch file of tensors: \(printable(reason, atMost: 1000))"
    case .tensor(let file, let name, let reason):
      "\(file): tensor \"\(printable(name, atMost: 200))\": \(printable(reason, atMost: 1000))"
    }
  }
}
