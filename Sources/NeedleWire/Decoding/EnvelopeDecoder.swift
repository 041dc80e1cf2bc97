// One JSON-RPC request object (protocol, section 1).
//
// In the usual order of keys (jsonrpc, id, method, params) the object is read in one pass. Params that stand
// before the method are skipped and read afterwards. A mistake does not end the reading: the rest of the
// object is still checked (what is not JSON wins over everything else) and searched for the id to echo.

import NeedleCore

struct EnvelopeDecoder {
    private enum Identity {
        case absent
        case valid(RequestID)
        case invalid(DatabaseError)
    }

    private enum MethodName {
        case absent
        case known(Method)
        case unknown(String)
    }

    private enum Params {
        case absent
        /// Not read yet.
        case waiting(JSONReader.Position)
        case done(Call, deadlineMS: UInt64?)
        case refused(DatabaseError)
    }

    private let limits: Limits
    private var identity = Identity.absent
    private var method = MethodName.absent
    private var params = Params.absent
    /// The first thing wrong with the envelope itself.
    private var fault: DatabaseError?

    init(limits: Limits) {
        self.limits = limits
    }

    /// Reads the object that the reader stands before.
    ///
    /// - Throws: syntax errors only.
    static func decode(_ reader: inout JSONReader, limits: Limits) throws(JSONError) -> IncomingMessage {
        var decoder = EnvelopeDecoder(limits: limits)
        try decoder.readMembers(&reader)
        return try decoder.message(&reader)
    }

    private mutating func readMembers(_ reader: inout JSONReader) throws(JSONError) {
        var members = try reader.beginObject()
        while true {
            do throws(JSONError) {
                guard let key = try reader.nextKey(&members) else { return }
                try readMember(key, &reader)
            } catch {
                guard case .duplicateKey(let name) = error.kind else { throw error }
                note("the key \"\(name)\" occurs twice", at: name)
                // The reader stands before the name again; fresh members accept it.
                var fresh = try Self.freshMembers()
                _ = try reader.nextKey(&fresh)
                try reader.skipValue()
            }
        }
    }

    private static func freshMembers() throws(JSONError) -> JSONMembers {
        let text: [UInt8] = [UInt8(ascii: "{")]
        var reader = JSONReader(text.span)
        return try reader.beginObject()
    }

    /// - Throws: syntax errors only.
    private mutating func readMember(_ key: borrowing JSONText, _ reader: inout JSONReader) throws(JSONError)
    {
        switch key {
        case "jsonrpc":
            let isRight = try Self.attempt(&reader) { reader in
                try reader.optional { try $0.readText().equals("2.0") } ?? true
            }
            if case .success(true) = isRight { return }
            note("\"jsonrpc\" must be \"2.0\"", at: "jsonrpc", expected: "\"2.0\"")
        case "id":
            switch try Self.attempt(&reader, { try $0.requestID() }) {
            case .success(let id): identity = .valid(id)
            case .failure(let error): identity = .invalid(Self.envelopeError(error, at: "id"))
            }
        case "method":
            switch try Self.attempt(&reader, { reader in try reader.optional { try $0.methodName() } }) {
            case .success(.some(.success(let known))): method = .known(known)
            case .success(.some(.failure(let unknown))): method = .unknown(unknown.name)
            case .success(.none): break
            case .failure(let error):
                method = .unknown("")
                note(Self.envelopeError(error, at: "method"))
            }
        case "params": try readParams(&reader)
        default:
            let name = shown(key.string)
            note("unknown key \"\(name)\"", at: name.isEmpty ? "\"\"" : name)
            try reader.skipValue()
        }
    }

    private mutating func readParams(_ reader: inout JSONReader) throws(JSONError) {
        switch try reader.peekKind() {
        case .null: try reader.readNull()
        case .object:
            if fault == nil, case .known(let method) = method {
                params = try decodeParams(of: method, &reader)
            } else {
                params = .waiting(reader.position)
                try reader.skipValue()
            }
        case let other:
            try reader.skipValue()
            params = .refused(
                DatabaseError(
                    .invalidParams, "\"params\" must be an object", at: "params", expected: "an object",
                    got: other.rawValue))
        }
    }

    private func decodeParams(of method: Method, _ reader: inout JSONReader) throws(JSONError) -> Params {
        let start = reader.position
        var decoder = CallDecoder(limits: limits)
        do {
            let call = try decoder.call(method, &reader)
            return .done(call, deadlineMS: decoder.common.deadlineMS)
        } catch let error as JSONError where error.isSyntax {
            throw error
        } catch {
            reader.rewind(to: start)
            try reader.skipValue()
            return .refused(reader.databaseError(error, params: start))
        }
    }

    /// Runs `body`; if it refuses the value, steps over it.
    private static func attempt<Value>(
        _ reader: inout JSONReader, _ body: (inout JSONReader) throws -> Value
    ) throws(JSONError) -> Result<Value, any Error> {
        let start = reader.position
        do {
            return .success(try body(&reader))
        } catch let error as JSONError where error.isSyntax {
            throw error
        } catch {
            reader.rewind(to: start)
            try reader.skipValue()
            return .failure(error)
        }
    }

    // MARK: Outcome

    /// What the members make together. The reader stands behind the object, and still does afterwards.
    private mutating func message(_ reader: inout JSONReader) throws(JSONError) -> IncomingMessage {
        let id: RequestID?
        switch identity {
        case .absent: id = nil
        case .valid(let valid): id = valid
        case .invalid(let error): return .failure(RequestFailure(id: nil, error: error, needsReply: true))
        }
        if case .absent = method {
            let error = DatabaseError(.invalidRequest, "the request has no \"method\"", at: "method")
            return .failure(RequestFailure(id: nil, error: error, needsReply: true))
        }
        if let fault { return .failure(RequestFailure(id: id, error: fault, needsReply: true)) }
        // From here on the envelope is right: without an id it is a notification, which is never answered.
        switch (method, try finishedParams(&reader)) {
        case (.unknown(let name), _):
            let error = DatabaseError(.unknownMethod, "unknown method \"\(name)\"", at: "method", got: name)
            return .failure(RequestFailure(id: id, error: error, needsReply: id != nil))
        case (_, .done(let call, let deadlineMS)):
            return .request(Request(id: id, call: call, deadlineMS: deadlineMS))
        case (_, .refused(let error)):
            return .failure(RequestFailure(id: id, error: error, needsReply: id != nil))
        case (_, .absent), (_, .waiting):
            preconditionFailure("params of a known method are read by now")
        }
    }

    /// The params, read late if they stood before the method; absent ones are an empty object.
    private func finishedParams(_ reader: inout JSONReader) throws(JSONError) -> Params {
        guard case .known(let method) = method else { return params }
        switch params {
        case .done, .refused: return params
        case .waiting(let start):
            let end = reader.position
            reader.rewind(to: start)
            let late = try decodeParams(of: method, &reader)
            reader.rewind(to: end)
            return late
        case .absent:
            let text = Array("{}".utf8)
            var empty = JSONReader(text.span)
            return try decodeParams(of: method, &empty)
        }
    }

    // MARK: Faults of the envelope

    private mutating func note(_ message: String, at key: String, expected: String? = nil) {
        note(DatabaseError(.invalidRequest, message, at: key, expected: expected))
    }

    private mutating func note(_ error: DatabaseError) {
        if fault == nil { fault = error }
    }

    private static func envelopeError(_ error: any Error, at key: String) -> DatabaseError {
        let message = (error as? JSONError)?.message ?? (error as? Refusal)?.message ?? "\(error)"
        return DatabaseError(.invalidRequest, "\"\(key)\": \(message)", at: key)
    }
}

/// A method this version does not answer.
private struct UnknownMethod: Error {
    var name: String
}

extension JSONReader {
    fileprivate mutating func methodName() throws -> Result<Method, UnknownMethod> {
        let text = try readText()
        // Methods are ASCII, for which canonical equivalence is identity.
        if let method = Method(rawValue: text.string) { return .success(method) }
        return .failure(UnknownMethod(name: shown(text.string)))
    }
}
