// Why a value of `params` is refused, and how that becomes an error with its place.
//
// Decoding functions throw `JSONError` (from the reader) or `Refusal` (where the kind is not
// `invalid_params`, or there is more to say). Both carry a byte offset only; the path is derived from it when
// there is an error to answer.

import NeedleCore

/// A value that is JSON but cannot be accepted.
struct Refusal: Error {
    var kind = ErrorKind.invalidParams
    var message: String
    /// First byte of the offending value or name.
    var offset: Int
    /// What follows the path of that value, for example the name of a member that is missing.
    var member: String?
    var expected: String?
    var got: String?

    static func missing(_ member: String, in object: Int, message: String? = nil, expected: String? = nil)
        -> Refusal
    {
        Refusal(
            message: message ?? "the key \"\(member)\" is missing", offset: object, member: member,
            expected: expected)
    }

    static func overLimit(_ what: String, limit: Int, at offset: Int) -> Refusal {
        Refusal(
            kind: .limitExceeded, message: "more than \(limit) \(what)", offset: offset,
            expected: "at most \(limit) \(what)")
    }
}

/// A text as messages show it: cut after 64 bytes.
func shown(_ text: String) -> String {
    guard text.utf8.count > 64 else { return text }
    return String(decoding: text.utf8.prefix(64), as: UTF8.self) + "…"
}

extension JSONReader {
    /// The error that is answered for `error`, which was thrown while reading the params that begin at
    /// `params`.
    func databaseError(_ error: any Error, params: Position) -> DatabaseError {
        switch error {
        case let error as Refusal:
            let place = join(path(from: params, to: error.offset), error.member)
            return DatabaseError(
                error.kind, error.message, at: place, expected: error.expected, got: error.got)
        case let error as JSONError:
            return databaseError(error, params: params)
        case let error as DatabaseError:
            return error
        default:
            return DatabaseError(.internal, "\(error)")
        }
    }

    private func databaseError(_ error: JSONError, params: Position) -> DatabaseError {
        let path = path(from: params, to: error.offset)
        var answer = DatabaseError(.invalidParams, error.message, at: join(path, nil))
        switch error.kind {
        case .wrongType(let expected, let got):
            answer.expected = expected
            answer.got = got.rawValue
        case .outOfRange(let expected):
            answer.message = "out of range: \(error.message)"
            answer.expected = expected
        case .notAnInteger:
            answer.expected = "an integer"
        case .missingKey(let name):
            answer.at = join(path, name)
        case .notAFloat(let index):
            answer.kind = .invalidVector
            // In an array the offset is the component's, in a base64 string it is the string's.
            if !path.hasSuffix("[\(index)]") { answer.at = "\(path)[\(index)]" }
        case .invalidBase64:
            answer.kind = .invalidVector
        case .tooManyElements(let limit):
            answer.kind = .dimensionMismatch
            answer.message = "the vector has more than \(limit) components"
            answer.expected = "at most \(limit) components"
        default: break
        }
        return answer
    }

    /// `params` stands for the whole object.
    private func join(_ path: String, _ member: String?) -> String {
        guard let member else { return path.isEmpty ? "params" : path }
        return path.isEmpty ? member : "\(path).\(member)"
    }
}
