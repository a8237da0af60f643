import ModelFormats
import Synchronization

/// Model of a tokenizer: cuts one piece of normalised text into the tokens of a vocabulary.
protocol PieceModel: Sendable {
  /// Room that a model uses again from piece to piece; one thread has it at a time.
  associatedtype Workspace: Sendable

  /// Room for pieces.
  func makeWorkspace() -> Workspace

  /// Cuts a piece.
  ///
  /// - Parameters:
  ///   - piece: Valid UTF-8, not empty.
  ///   - workspace: Room that only this call uses.
  ///   - output: Gets the tokens appended by `appendPiece(_:start:end:)`, which count bytes of the piece; the strings of
  ///     tokens that do not show their vocabulary entry go into its `texts`.
  func cut(_ piece: Span<UInt8>, _ workspace: inout Workspace, into output: inout TokenBuffer)

  /// Cuts the pieces of a text, each a word; the tokens' offsets are those in the source.
  ///
  /// - Parameter pieces: The stretches in order, none empty.
  func cut(
    _ pieces: [Range<Int>], of text: AlignedText, _ workspace: inout Workspace, into output: inout TokenBuffer
  )

  /// The model as `tokenizer.json` describes it.
  func json(_ vocabulary: Vocabulary) -> JSONValue

  /// The model of fewer tokens, in their old order and with ids from 0: of those given and those that it cannot do without.
  ///
  /// - Throws: `TokenizerError` for a model that cannot be cut.
  func keeping(
    _ kept: Set<Int32>, of vocabulary: Vocabulary
  ) throws(TokenizerError) -> (vocabulary: Vocabulary, model: any PieceModel)
}

extension PieceModel {
  /// The cutter of texts that leaves their pieces to this model.
  func cutter(_ chain: TextChain) -> any TextCutter { ChainCutter(chain, self) }

  // One call a text: a model's own code then goes from piece to piece.
  func cut(
    _ pieces: [Range<Int>], of text: AlignedText, _ workspace: inout Workspace, into output: inout TokenBuffer
  ) {
    let (bytes, origins) = (text.bytes.span, text.origins.span)
    for piece in pieces {
      let first = output.count
      cut(bytes.extracting(piece), &workspace, into: &output)
      var tokens = output.tokens.mutableSpan
      for index in first..<tokens.count {
        let token = tokens[unchecked: index]
        tokens[unchecked: index].start = origins[piece.lowerBound + Int(token.start)]
        tokens[unchecked: index].end = origins[piece.lowerBound + Int(token.end) - 1] + 1
      }
      output.wordCount += 1
    }
  }
}

/// Cutter of text by components: normalises it, splits it and has a model cut the pieces.
final class ChainCutter<Model: PieceModel>: TextCutter {
  /// Room for one text at a time.
  private final class Workspace: @unchecked Sendable {
    // Sendable because one text at a time has it.
    var text = ChainText()
    var model: Model.Workspace

    init(_ model: Model.Workspace) { self.model = model }
  }

  let chain: TextChain
  let model: Model
  /// Rooms that wait for the next text: as many as texts were cut at a time.
  private let free = Mutex<[Workspace]>([])

  init(_ chain: TextChain, _ model: Model) {
    self.chain = chain
    self.model = model
  }

  func normalized(_ content: [UInt8]) -> [UInt8] { chain.normalized(content) }

  func cut(_ text: Span<UInt8>, firstOrigin: Int32, into output: inout TokenBuffer) {
    withWorkspace { workspace in
      workspace.text.load(text, firstOrigin: firstOrigin)
      chain.normalize(&workspace.text)
      cutNormalized(workspace, into: &output)
    }
  }

  func cut(
    _ text: Span<UInt8>, firstOrigin: Int32, finding tokens: AddedTokenMatcher,
    into output: inout TokenBuffer
  ) {
    withWorkspace { workspace in
      workspace.text.load(text, firstOrigin: firstOrigin)
      chain.normalize(&workspace.text)
      if !tokens.mayMatch(workspace.text.text.bytes.span) {
        cutNormalized(workspace, into: &output)
        return
      }
      let whole = workspace.text.text
      for stretch in tokens.split(whole.bytes.span) {
        if let id = stretch.id {
          let (start, end) = whole.offsets(stretch.range)
          output.append(
            match: id, start, end, text: String(copying: whole.bytes.span.extracting(stretch.range)))
        } else {
          workspace.text.load(whole, stretch.range)
          cutNormalized(workspace, into: &output)
        }
      }
    }
  }

  /// Splits the normalised text of a workspace and cuts its pieces.
  private func cutNormalized(_ workspace: Workspace, into output: inout TokenBuffer) {
    chain.split(&workspace.text)
    model.cut(workspace.text.pieces, of: workspace.text.text, &workspace.model, into: &output)
  }

  private func withWorkspace(_ body: (Workspace) -> Void) {
    let workspace = free.withLock { $0.popLast() } ?? Workspace(model.makeWorkspace())
    body(workspace)
    free.withLock { $0.append(workspace) }
  }
}
