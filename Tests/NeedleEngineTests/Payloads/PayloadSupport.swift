import NeedleCore
import NeedleEngine

extension Collection {
    @discardableResult
    func change(_ change: PayloadChange, _ choice: PointChoice, opKey: String? = nil) throws -> WriteReceipt {
        let write = try prepare(
            .changePayload(change, choice), model: nil, opKey: opKey.map { Array($0.utf8) },
            context: OperationContext())
        return try commit([write])[0].get()
    }

    @discardableResult
    func set(_ payload: String, _ choice: PointChoice) throws -> WriteReceipt {
        try change(.set(Payload(payload)), choice)
    }

    @discardableResult
    func setVectors(_ points: [PointVectors]) throws -> WriteReceipt {
        let write = try prepare(.setVectors(points), model: nil, opKey: nil, context: OperationContext())
        return try commit([write])[0].get()
    }

    /// Payload and version of a point.
    func stored(_ id: UInt64) throws -> (payload: String, version: LSN)? {
        try get([PointID(id)]).points.first.map { ($0.payload?.text ?? "", $0.version) }
    }
}

extension Filter {
    /// Points with this number at a key.
    static func number(_ value: Int, at key: String) throws -> Filter {
        Filter(must: [.matchAny(try FieldPath(parsing: key), [.number(ExactNumber(Int64(value)))])])
    }
}
