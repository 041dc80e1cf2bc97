import Crypto
import NeedleCore

/// What a vector belongs to: SHA-256 of the model's fingerprint, the kind of text, and the text. With another model
/// every key is another one, so what an older model made is never found.
struct EmbeddingKey: Hashable, Sendable {
    static let size = 32

    let words: (UInt64, UInt64, UInt64, UInt64)

    static func == (left: EmbeddingKey, right: EmbeddingKey) -> Bool { left.words == right.words }

    func hash(into hasher: inout Hasher) {
        // The words are well mixed already.
        hasher.combine(words.0)
    }

    init(_ words: (UInt64, UInt64, UInt64, UInt64)) {
        self.words = words
    }

    /// Makes the keys of one model.
    struct Maker: Sendable {
        private let passage: SHA256
        private let query: SHA256

        init(fingerprint: String) {
            func begun(_ kind: EmbeddingKind) -> SHA256 {
                var hash = SHA256()
                // Neither a fingerprint nor a kind has a zero byte.
                Array("\(fingerprint)\u{0}\(kind.rawValue)\u{0}".utf8).withUnsafeBytes {
                    hash.update(bufferPointer: $0)
                }
                return hash
            }
            passage = begun(.passage)
            query = begun(.query)
        }

        func key(_ text: String, _ kind: EmbeddingKind) -> EmbeddingKey {
            var hash = kind == .query ? query : passage
            var text = text
            text.withUTF8 { hash.update(bufferPointer: UnsafeRawBufferPointer($0)) }
            var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
            withUnsafeMutableBytes(of: &words) { target in
                for (index, byte) in hash.finalize().enumerated() { target[index] = byte }
            }
            return EmbeddingKey(words)
        }
    }
}

/// A vector and how long its text was: what a cache keeps.
struct CachedEmbedding: Sendable {
    var vector: [Float]
    var length: TextLength
}
