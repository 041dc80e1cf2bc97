// What the server tells of a collection on its way to another model.

import NeedleCore

extension JSONWriter {
    mutating func writeMembers(of status: ReembeddingStatus) {
        string("collection", status.collection)
        if !status.space.isEmpty { string("using", status.space) }
        object("model") { json in
            json.string("name", status.model)
            json.string("fingerprint", status.fingerprint)
        }
        string("state", status.phase.rawValue)
        integer("done", status.done)
        integer("total", status.total)
        integer("embedded", status.embedded)
        integer("pending", status.pending)
        integer("without_text", status.withoutText)
        object("compared") { $0.writeMembers(of: status.agreement) }
        if let kept = status.keptUntil {
            key("rollback_until_ms")
            write(kept)
        }
        if let reason = status.reason { string("reason", reason) }
    }

    private mutating func writeMembers(of agreement: AnswerAgreement) {
        integer("queries", agreement.queries)
        number("overlap_at_10", agreement.overlap)
        number("rank_correlation", agreement.rankCorrelation)
        write("scores_now", agreement.scoresNow)
        write("scores_then", agreement.scoresThen)
    }

    private mutating func write(_ name: StaticString, _ scores: AnswerAgreement.Scores?) {
        guard let scores else { return }
        object(name) { json in
            json.number("mean", scores.mean)
            json.number("deviation", scores.deviation)
        }
    }

    private mutating func number(_ name: StaticString, _ value: Double?) {
        guard let value else { return }
        key(name)
        write(value)
    }
}
