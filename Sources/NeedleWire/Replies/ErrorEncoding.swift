// Errors on the wire (protocol, section 3).

import NeedleCore

extension ReplyEncoder {
    /// What `retry_after_ms` says when the error does not.
    static let standardRetryMS = 1000

    static func errorObject(_ error: DatabaseError, id: RequestID?) -> [UInt8] {
        var json = JSONWriter(reservingCapacity: 256)
        json.beginMessage()
        json.key("id")
        json.write(id)
        json.object("error") { json in
            json.integer("code", error.kind.code)
            json.string("message", error.message)
            json.object("data") { $0.writeData(of: error) }
        }
        json.endObject()
        return json.take()
    }
}

extension JSONWriter {
    fileprivate mutating func writeData(of error: DatabaseError) {
        string("kind", error.kind.rawValue)
        if let at = error.at { string("at", at) }
        if let expected = error.expected { string("expected", expected) }
        if let got = error.got { string("got", got) }
        key("retryable")
        write(error.kind.isRetryable)
        if let delay = error.retryAfterMS ?? Self.standardRetry(of: error.kind) {
            integer("retry_after_ms", delay)
        }
        guard !error.conflicts.isEmpty else { return }
        key("conflicts")
        array(error.conflicts) { json, conflict in
            json.object { json in
                json.key("id")
                json.write(conflict.id)
                json.key("version")
                json.write(conflict.version)
            }
        }
    }

    private static func standardRetry(of kind: ErrorKind) -> Int? {
        switch kind {
        case .overloaded, .loading, .draining: ReplyEncoder.standardRetryMS
        default: nil
        }
    }
}
