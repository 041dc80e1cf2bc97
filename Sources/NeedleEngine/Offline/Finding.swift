package import NeedleCore
package import NeedleStorage

/// Something that is not as it should be in files that nobody has open: where, what, and what it is a part of.
package struct Finding: Hashable, Sendable {
    /// What is lost with it, and therefore what a repair is about.
    package enum Subject: Hashable, Sendable {
        case catalogue
        /// Manifest or configuration: the collection cannot be opened.
        case collection(Incarnation)
        /// Originals, or the segment as a whole.
        case segment(Incarnation, id: UInt64)
        /// What can be made again from the originals.
        case derived(Incarnation, id: UInt64)
        case log(Incarnation)
        /// A file of figures, by its name: nothing depends on it.
        case measured(Incarnation, name: String)
        case snapshot(String)
        case archive
        /// Not damage: something that the next start removes or mends without a word.
        case note
    }

    package var subject: Subject
    package var file: String
    /// Where in the file, in bytes; `nil` when it is about the file as a whole.
    package var offset: Int?
    package var what: String

    package init(_ subject: Subject, file: String, offset: Int? = nil, what: String) {
        self.subject = subject
        self.file = file
        self.offset = offset
        self.what = what
    }

    /// From what reading a file threw.
    ///
    /// - Parameter file: used when the error names none.
    package init(_ subject: Subject, _ error: DatabaseError, file: String) {
        self.init(subject, file: file, what: error.message)
        guard let at = error.at, let colon = at.lastIndex(of: ":"),
            let offset = Int(at[at.index(after: colon)...])
        else { return }
        self.file = String(at[..<colon])
        self.offset = offset
        let prefix = "\(self.file): damaged at offset \(offset): "
        if what.hasPrefix(prefix) { what.removeFirst(prefix.count) }
    }

    package var isDamage: Bool { subject != .note }

    /// `FILE:OFFSET: WHAT`
    package var text: String { "\(file):\(offset.map { "\($0):" } ?? "") \(what)" }
}
