import NeedleCore
import Testing

@Suite struct DatabaseErrorTests {
    @Test func placesGrowFromTheInsideOut() {
        let error = DatabaseError(.invalidVector, "bad", at: "[17]")
        let placed = error.prefixed("vector").prefixed("points[3]")
        #expect(placed.at == "points[3].vector[17]")
        #expect(DatabaseError(.internal, "x").prefixed("filter").at == "filter")
    }

    @Test func onlyWhatMayPassByItselfIsRetryable() {
        let retryable = Set(ErrorKind.allCases.filter(\.isRetryable))
        #expect(retryable == [.overloaded, .loading, .draining, .deadline, .memoryBudget, .diskFull])
    }

    @Test(arguments: [
        (ErrorKind.parseError, -32700), (.invalidRequest, -32600), (.unknownMethod, -32601),
        (.invalidParams, -32602),
        (.internal, -32603), (.forbidden, -32001), (.lineTooLong, -32002), (.notFound, -32004),
        (.conflict, -32005),
        (.modelMismatch, -32006), (.cancelled, -32007), (.draining, -32008), (.corruption, -32009),
    ])
    func codesAreThoseOfTheProtocol(kind: ErrorKind, code: Int) {
        #expect(kind.code == code)
    }

    @Test func corruptionNamesFileAndOffset() {
        let error = DatabaseError.corruption(file: "a.log", offset: 96, what: "checksum")
        #expect(error.kind == .corruption)
        #expect(
            error.message.contains("a.log") && error.message.contains("96")
                && error.message.contains("checksum"))
    }
}
