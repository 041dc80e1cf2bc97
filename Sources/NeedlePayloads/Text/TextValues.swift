package import NeedleCore

/// The texts at a key, while an index is built: the content of a field index of the type `text`.
struct TextValues {
    /// Parts of the field index: the text index as bytes.
    static let parts = 1

    private var builder: TextIndexBuilder
    private var texts: [String] = []

    init(_ analysis: TextAnalysis, firstRow: Int) {
        builder = TextIndexBuilder(analysis: analysis, firstRow: firstRow)
    }

    /// - Returns: false for what is no string.
    mutating func add(_ value: JSONValue) -> Bool {
        guard case .string(let text) = value else { return false }
        texts.append(text)
        return true
    }

    mutating func endRow() {
        builder.append(texts)
        texts.removeAll(keepingCapacity: true)
    }

    consuming func write(to writer: inout IndexWriter) throws(DatabaseError) {
        writer.append(try builder.finish())
    }
}

extension TextAnalysis {
    /// What an index was created with.
    package init(_ options: TextIndexOptions?) {
        let stemming: Stemming =
            switch options?.stemming {
            case .english: .english
            case .none?, nil: .none
            }
        self.init(stemming: stemming, stopWords: options?.stopWords ?? [])
    }
}
