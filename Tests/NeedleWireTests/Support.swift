import NeedleCore
import NeedleWire
import Testing

/// Small limits, so that tests reach them.
func smallLimits() -> Limits {
    var limits = Limits()
    limits.inFlight = 4
    limits.batchPoints = 5
    limits.dimensions = 8
    limits.spaces = 2
    return limits
}

func decode(_ line: String, limits: Limits = smallLimits()) -> IncomingLine {
    RequestDecoder(limits: limits).decode(Array(line.utf8))
}

/// The failure that a line is, if it is one.
func refusal(of line: String, limits: Limits = smallLimits()) -> RequestFailure? {
    guard case .single(.failure(let failure)) = decode(line, limits: limits) else { return nil }
    return failure
}

/// The request that a line is.
func request(_ line: String, limits: Limits = smallLimits()) throws -> Request {
    guard case .single(.request(let request)) = decode(line, limits: limits) else {
        Issue.record("\(line) is no request: \(decode(line, limits: limits))")
        throw NoRequest()
    }
    return request
}

struct NoRequest: Error {}

/// A request with id 7 and these params.
func line(_ method: String, _ params: String) -> String {
    #"{"jsonrpc":"2.0","id":7,"method":"\#(method)","params":\#(params)}"#
}

/// Params that must be refused: the method, the params, and the error's kind and place.
struct Refused: Sendable, CustomTestStringConvertible {
    var method: String
    var params: String
    var kind: ErrorKind
    var at: String?

    init(_ method: String, _ params: String, _ at: String?, _ kind: ErrorKind = .invalidParams) {
        self.method = method
        self.params = params
        self.kind = kind
        self.at = at
    }

    var testDescription: String { "\(method) \(params)" }

    func check() throws {
        let failure = try #require(refusal(of: line(method, params)), "accepted: \(params)")
        #expect(failure.error.kind == kind, "\(params): \(failure.error)")
        #expect(failure.error.at == at, "\(params): \(failure.error)")
        #expect(failure.id == .integer(7))
        #expect(failure.needsReply)
    }
}

func text(_ bytes: [UInt8]) -> String {
    String(decoding: bytes, as: UTF8.self)
}
