import Foundation

/// File of a graph in the Open Neural Network Exchange format (`ModelProto`).
///
/// It is byte for byte a function of the graph and the names given here. Values of tensors go straight to the file: the graph
/// alone is held in memory.
package struct ONNXFile {
  /// Graph of the file.
  package let graph: ONNXGraph
  /// Name of the program that made the graph.
  package let producer: String
  /// Version of that program.
  package let producerVersion: String

  /// The bytes that a message may have at most in Protocol Buffers.
  package static let largestMessage = Int(Int32.max)
  /// Bytes of values from which on a tensor goes to the other file, where there is one, as `onnx` has it.
  private static let smallestExternal = 1024
  /// Alignment in the other file, so that its parts can be mapped into memory.
  private static let alignment = 4096

  /// The file of a graph.
  package init(_ graph: ONNXGraph, producer: String, producerVersion: String) {
    (self.graph, self.producer, self.producerVersion) = (graph, producer, producerVersion)
  }

  /// Writes the file, and where it would be too large for one message a second with its tensors, whose name has `_data` behind
  /// it (`model.onnx_data`).
  ///
  /// - Parameters:
  ///   - url: The file.
  ///   - limit: The most bytes that the file may have before its tensors go to the second.
  /// - Returns: Whether there is a second file.
  /// - Throws: `FormatError.cannotWrite`; of a file that is not finished nothing remains.
  package func write(to url: URL, limit: Int = largestMessage) throws(FormatError) -> Bool {
    let inline = pieces { Piece(head: $0.inlineHead, tensor: $0) }
    if inline.reduce(0, { $0 + $1.count }) <= limit {
      try write(inline, to: url)
      return false
    }
    let target = url.deletingLastPathComponent().appending(path: url.lastPathComponent + "_data")
    let data = try AtomicFile(target)
    var offset = 0
    var external: [Piece] = []
    for tensor in graph.tensors {
      guard tensor.byteCount >= Self.smallestExternal else {
        external.append(Piece(head: tensor.inlineHead, tensor: tensor))
        continue
      }
      let gap = (Self.alignment - offset % Self.alignment) % Self.alignment
      try data.write([UInt8](repeating: 0, count: gap))
      try tensor.write(to: data)
      external.append(
        Piece(
          head: tensor.externalMessage(file: target.lastPathComponent, offset: offset + gap), tensor: nil))
      offset += gap + tensor.byteCount
    }
    var rest = external[...]
    let pieces = pieces { _ in rest.removeFirst() }
    try data.commit()
    try write(pieces, to: url)
    return true
  }

  // MARK: Pieces

  /// Part of the file: bytes, and the values of a tensor behind them.
  private struct Piece {
    let head: ProtobufMessage
    let tensor: ONNXTensor?
    var count: Int { head.bytes.count + (tensor?.byteCount ?? 0) }
  }

  private func write(_ pieces: [Piece], to url: URL) throws(FormatError) {
    let file = try AtomicFile(url)
    for piece in pieces {
      try file.write(piece.head.bytes)
      try piece.tensor?.write(to: file)
    }
    try file.commit()
  }

  /// The whole file, given the message of each tensor.
  private func pieces(_ message: (ONNXTensor) -> Piece) -> [Piece] {
    var start = ProtobufMessage()
    for (node, results) in graph.nodes { start.add(1, self.message(of: node, results)) }
    start.add(2, "main")
    let tensors = graph.tensors.map { tensor in
      let content = message(tensor)
      var head = ProtobufMessage()
      head.begin(5, count: content.count)
      head.append(content.head)
      return Piece(head: head, tensor: content.tensor)
    }
    var end = ProtobufMessage()
    for port in graph.inputs { end.add(11, self.message(of: port)) }
    for port in graph.outputs { end.add(12, self.message(of: port)) }

    var head = ProtobufMessage()
    head.add(1, ONNXGraph.formatVersion)
    head.add(2, producer)
    head.add(3, producerVersion)
    head.begin(7, count: start.bytes.count + tensors.reduce(0) { $0 + $1.count } + end.bytes.count)
    head.append(start)
    var operators = ProtobufMessage()
    operators.add(1, "")
    operators.add(2, ONNXGraph.operatorSet)
    end.add(8, operators)
    return [Piece(head: head, tensor: nil)] + tensors + [Piece(head: end, tensor: nil)]
  }

  // MARK: Messages

  /// The name of a value in the file: that of the output which it is, if it is one.
  private func name(of value: ONNXGraph.Value) -> String {
    graph.outputs.first { $0.value == value }?.name ?? value.name
  }

  private func message(of node: ONNXGraph.Node, _ results: [ONNXGraph.Value]) -> ProtobufMessage {
    var message = ProtobufMessage()
    for input in node.inputs { message.add(1, input.map(name) ?? "") }
    for result in results { message.add(2, name(of: result)) }
    message.add(3, results[0].name)
    message.add(4, node.operation)
    for (name, attribute) in node.attributes.sorted(by: { $0.key < $1.key }) {
      message.add(5, self.message(of: attribute, name))
    }
    return message
  }

  private func message(of attribute: ONNXGraph.Attribute, _ name: String) -> ProtobufMessage {
    var message = ProtobufMessage()
    message.add(1, name)
    switch attribute {
    case .float(let value):
      message.add(2, value)
      message.add(20, 1)
    case .integer(let value):
      message.add(3, value)
      message.add(20, 2)
    case .string(let text):
      message.add(4, text)
      message.add(20, 3)
    case .integers(let values):
      for value in values { message.add(8, value) }
      message.add(20, 7)
    }
    return message
  }

  private func message(of port: ONNXGraph.Port) -> ProtobufMessage {
    var (shape, tensor, type) = (ProtobufMessage(), ProtobufMessage(), ProtobufMessage())
    for extent in port.shape {
      var dimension = ProtobufMessage()
      switch extent {
      case .fixed(let count): dimension.add(1, count)
      case .named(let name): dimension.add(2, name)
      }
      shape.add(1, dimension)
    }
    tensor.add(1, port.type.rawValue)
    tensor.add(2, shape)
    type.add(1, tensor)
    var message = ProtobufMessage()
    message.add(1, port.name)
    message.add(2, type)
    return message
  }
}
