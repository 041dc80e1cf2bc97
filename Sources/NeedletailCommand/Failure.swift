// From an error to what the user reads: one line that says what happened, one that says what to do next, and
// a status.

import NeedleClient

/// A failure of a command, ready to be shown.
package struct Failure: Error, Sendable {
    package var status: ExitStatus
    package var message: String
    /// What to do next; several lines at most.
    package var advice: [String]

    package init(_ status: ExitStatus, _ message: String, advice: [String] = []) {
        self.status = status
        self.message = message
        self.advice = advice
    }
}

extension Failure {
    /// - Parameters:
    ///   - collection: the collection the command is about.
    ///   - existing: the server's collections, where they are known.
    package init(_ error: any Error, collection: String? = nil, existing: [String]? = nil) {
        switch error {
        case let failure as Failure: self = failure
        case let error as NeedletailError: self = Self.explain(error, collection, existing)
        case let error as ImportError:
            self = Failure(error.cause, collection: collection, existing: existing)
            message += "; \(Numbers.count(error.progress.acknowledged, "point")) acknowledged"
        case is CancellationError: self = Failure(.interrupted, "interrupted")
        default: self = Failure(.refused, "\(error)")
        }
    }

    private static func explain(_ error: NeedletailError, _ collection: String?, _ existing: [String]?)
        -> Failure
    {
        let status = status(of: error.kind)
        return Failure(status, error.description, advice: advice(error, collection, existing))
    }

    private static func status(of kind: NeedletailError.Kind) -> ExitStatus {
        switch kind {
        case .connectionFailed: .cannotConnect
        case .timedOut, .deadline: .timedOut
        case .connectionLost, .invalidReply, .clientClosed: .broken
        case .invalidArgument: .usage
        default: .refused
        }
    }

    private static func advice(_ error: NeedletailError, _ collection: String?, _ existing: [String]?)
        -> [String]
    {
        let name = collection ?? "COLLECTION"
        switch error.kind {
        case .connectionFailed:
            return [
                "start a server:    needletaild --data ./needletail-data    (or scripts/quickstart)",
                "or name another:   needletail --url HOST:PORT COMMAND, or set NEEDLETAIL_URL",
            ]
        case .timedOut, .deadline: return ["allow more time with --timeout SECONDS"]
        case .notFound where error.at == "collection": return missing(collection, existing)
        case .alreadyExists: return ["see it: needletail info \(name)    delete it: needletail drop \(name)"]
        case .dimensionMismatch: return ["see the collection's dimensions: needletail info \(name)"]
        case .unauthenticated:
            return ["set NEEDLETAIL_API_KEY, or name a file with --api-key-file; keys: needletail key --help"]
        case .loading: return ["the collection is still loading; try again in a moment"]
        case .unknownMethod: return ["the server is older than this command; see needletail info"]
        case .diskFull: return ["free space on the server's data directory, then try again"]
        case .invalidReply: return ["is that port a Needletail server's? See --url and NEEDLETAIL_URL"]
        case .invalidParams where error.at == "text":
            return [
                "the collection has no model: search it with --vector, or make one with needletail create --model"
            ]
        default: break
        }
        if isAboutModel(error) {
            return [
                "fetch the model:   scripts/fetch-model    then restart needletaild",
                "or create the collection with --size and import vectors",
            ]
        }
        return []
    }

    /// Whether the server lacks the model, or the collection has none.
    private static func isAboutModel(_ error: NeedletailError) -> Bool {
        let place = error.at ?? ""
        return error.kind == .modelMismatch || place.hasSuffix("model")
            || error.message.lowercased().contains("model")
    }

    private static func missing(_ collection: String?, _ existing: [String]?) -> [String] {
        guard let existing else { return ["list the collections: needletail collections"] }
        guard !existing.isEmpty else {
            return [
                "the server has no collections yet",
                "make one: needletail create \(collection ?? "NAME") --size 384",
            ]
        }
        var advice: [String] = []
        if let collection, existing.contains(collection) { return advice }
        if let collection, let similar = Suggestion.closest(to: collection, among: existing) {
            advice.append("did you mean \"\(similar)\"?")
        }
        let shown = existing.sorted().prefix(12).joined(separator: ", ")
        let rest = existing.count > 12 ? ", … (\(existing.count) in all)" : ""
        advice.append("collections: \(shown)\(rest)")
        return advice
    }
}

/// The name somebody may have meant.
package enum Suggestion {
    /// The closest name within a third of its length, `nil` when none is that close.
    package static func closest(to name: String, among names: [String]) -> String? {
        let wanted = Array(name.lowercased().utf8)
        let ranked = names.map { (name: $0, distance: distance(wanted, Array($0.lowercased().utf8))) }
        guard let best = ranked.min(by: { ($0.distance, $0.name) < ($1.distance, $1.name) }) else {
            return nil
        }
        return best.distance <= max(1, max(wanted.count, best.name.utf8.count) / 3) ? best.name : nil
    }

    /// Edits between two texts (Levenshtein, 1965), one row of the table at a time.
    static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var row = Array(0...right.count)
        for (index, byte) in left.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for column in right.indices {
                let substitution = diagonal + (byte == right[column] ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(substitution, row[column] + 1, row[column + 1] + 1)
            }
        }
        return row[right.count]
    }
}
