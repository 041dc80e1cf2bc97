import Foundation
import NeedleCore
import NeedleEmbedding
import Synchronization
import Testing

/// Callers on threads of their own, in front of a model that can be held up.
@Suite(.timeLimit(.minutes(1))) struct BatchingEmbedderTests {
    private final class Caller: Sendable {
        let context: OperationContext
        private let outcome = Mutex<Result<EmbeddingBatch, DatabaseError>?>(nil)

        init(
            _ embedder: BatchingEmbedder, _ texts: [String], _ kind: EmbeddingKind = .passage,
            context: OperationContext = OperationContext()
        ) {
            self.context = context
            Thread.detachNewThread {
                let result = Result { () throws(DatabaseError) in
                    try embedder.embed(texts, kind: kind, context: context)
                }
                self.outcome.withLock { $0 = result }
            }
        }

        var isDone: Bool { outcome.withLock { $0 != nil } }

        func result() throws -> EmbeddingBatch {
            #expect(eventually { isDone })
            return try #require(outcome.withLock { $0 }).get()
        }

        var error: ErrorKind? { errorKind { _ = try result() } }
    }

    private let clock = MachineClock()

    /// An embedder whose model is at work on "first", and the caller who wanted that.
    private func busy(
        _ stub: EmbedderStub, waitMS: UInt64 = 0
    ) -> (embedder: BatchingEmbedder, first: Caller) {
        let embedder = BatchingEmbedder(stub, clock: clock, waitNanoseconds: waitMS * 1_000_000)
        stub.hold(true)
        let first = Caller(embedder, ["first"])
        #expect(eventually { stub.calls.count == 1 })
        return (embedder, first)
    }

    @Test func whoComesWhileItComputesIsComputedTogether() throws {
        let stub = EmbedderStub()
        let (embedder, first) = busy(stub)
        let others = (0..<20).map { Caller(embedder, ["text \($0)", "more \($0)"]) }
        #expect(eventually { embedder.waitingCallers == 20 })
        stub.hold(false)
        _ = try first.result()
        for (index, other) in others.enumerated() {
            let batch = try other.result()
            #expect(
                batch.vectors == [
                    EmbedderStub.vector("text \(index)", .passage),
                    EmbedderStub.vector("more \(index)", .passage),
                ])
            #expect(batch.tokens == "text \(index)more \(index)".utf8.count + 4)
            #expect(batch.truncated == (index < 10 ? 0 : 2))
        }
        #expect(stub.calls.map(\.texts.count) == [1, 40])
    }

    @Test func questionsAndPassagesAreNotMixedAndQuestionsComeFirst() throws {
        let stub = EmbedderStub()
        let (embedder, first) = busy(stub)
        let passages = (0..<3).map { Caller(embedder, ["p\($0)"]) }
        #expect(eventually { embedder.waitingCallers == 3 })
        let questions = (0..<3).map { Caller(embedder, ["q\($0)"], .query) }
        #expect(eventually { embedder.waitingCallers == 6 })
        stub.hold(false)
        for (index, caller) in questions.enumerated() {
            #expect(try caller.result().vectors == [EmbedderStub.vector("q\(index)", .query)])
        }
        for caller in passages + [first] { _ = try caller.result() }
        #expect(stub.calls.map(\.kind) == [.passage, .query, .passage])
    }

    @Test func manyTextsGoInPiecesAndLetAQuestionThrough() throws {
        let stub = EmbedderStub()
        let (embedder, first) = busy(stub)
        let texts = (0..<200).map { "t\($0)" }
        let many = Caller(embedder, texts)
        let long = Caller(embedder, [String(repeating: "x", count: 20_000), "y"])
        #expect(eventually { embedder.waitingCallers == 2 })
        stub.hold(false)
        #expect(try many.result().vectors == texts.map { EmbedderStub.vector($0, .passage) })
        #expect(try long.result().vectors.count == 2)
        _ = try first.result()
        #expect(stub.calls.allSatisfy { $0.texts.count <= 64 })
        #expect(stub.calls.map(\.texts.count).reduce(0, +) == 203)
        // A text longer than a piece goes alone.
        #expect(stub.calls.contains { $0.texts == [String(repeating: "x", count: 20_000)] })
    }

    @Test func aFewTextsDoNotWaitBehindMany() throws {
        let stub = EmbedderStub()
        let (embedder, first) = busy(stub)
        let many = Caller(embedder, (0..<200).map { "t\($0)" })
        #expect(eventually { embedder.waitingCallers == 1 })
        let few = (0..<3).map { Caller(embedder, ["f\($0)"]) }
        #expect(eventually { embedder.waitingCallers == 4 })
        stub.hold(false)
        for caller in few + [many, first] { _ = try caller.result() }
        #expect(stub.calls.map(\.texts.count) == [1, 64, 64, 64, 11])
        #expect(Set(stub.calls[1].texts).isSuperset(of: ["f0", "f1", "f2", "t0"]))
    }

    @Test func aFailureIsOnlyItsOwn() throws {
        let stub = EmbedderStub()
        let (embedder, first) = busy(stub)
        let good = (0..<5).map { Caller(embedder, ["good \($0)"]) }
        let bad = Caller(embedder, ["fine", "bad"])
        #expect(eventually { embedder.waitingCallers == 6 })
        stub.hold(false)
        #expect(bad.error == .internal)
        for caller in good + [first] { #expect(try caller.result().vectors.count == 1) }
    }

    @Test func cancelAndDeadlineEndTheWaiting() throws {
        let stub = EmbedderStub()
        let (embedder, first) = busy(stub)
        let cancelled = Caller(embedder, ["a"])
        let late = Caller(
            embedder, ["b"],
            context: OperationContext(
                clock: clock, deadlineNanoseconds: clock.monotonicNanoseconds() + 30_000_000))
        let patient = Caller(embedder, ["c"])
        #expect(eventually { embedder.waitingCallers == 3 })
        cancelled.context.cancel()
        // The model is still held up by the first.
        #expect(cancelled.error == .cancelled)
        #expect(late.error == .deadline)
        #expect(!patient.isDone)
        stub.hold(false)
        #expect(try patient.result().vectors.count == 1)
        #expect(try first.result().vectors.count == 1)
        #expect(stub.calls.map(\.texts) == [["first"], ["c"]])
    }

    @Test func aPieceThatNobodyWantsAnyMoreEnds() throws {
        let stub = EmbedderStub()
        let (embedder, first) = busy(stub)
        let pair = (0..<2).map { Caller(embedder, ["t\($0)"]) }
        #expect(eventually { embedder.waitingCallers == 2 })
        first.context.cancel()
        #expect(first.error == .cancelled)
        #expect(eventually { stub.calls.count == 2 })
        // One of the two computes for both; it goes on while the other wants it.
        pair[0].context.cancel()
        pair[1].context.cancel()
        for caller in pair { #expect(caller.error == .cancelled) }
        stub.hold(false)
        #expect(try embedder.embed(["z"], kind: .query, context: OperationContext()).vectors.count == 1)
    }

    @Test func aCallerAloneNeverWaits() throws {
        let stub = EmbedderStub()
        let embedder = BatchingEmbedder(stub, clock: clock, waitNanoseconds: 60_000_000_000)
        for index in 0..<50 {
            _ = try embedder.embed(["t\(index)"], kind: .query, context: OperationContext())
        }
        #expect(stub.calls.count == 50)
    }

    @Test func thoseWhoCameTogetherAreWaitedForOnce() throws {
        let stub = EmbedderStub()
        let (embedder, first) = busy(stub, waitMS: 200)
        let pair = (0..<2).map { Caller(embedder, ["t\($0)"]) }
        #expect(eventually { embedder.waitingCallers == 2 })
        stub.hold(false)
        for caller in pair + [first] { _ = try caller.result() }
        // One of the two comes again; the other after 20 ms: they are computed together.
        let again = Caller(embedder, ["u0"])
        usleep(20_000)
        _ = try embedder.embed(["u1"], kind: .passage, context: OperationContext())
        _ = try again.result()
        #expect(stub.calls.map(\.texts.count) == [1, 2, 2])
        // Now one comes alone and is waited for in vain, once.
        let start = clock.monotonicNanoseconds()
        _ = try embedder.embed(["v"], kind: .passage, context: OperationContext())
        _ = try embedder.embed(["w"], kind: .passage, context: OperationContext())
        #expect(clock.monotonicNanoseconds() - start < 2_000_000_000)
        #expect(stub.calls.map(\.texts.count) == [1, 2, 2, 1, 1])
    }

    @Test func noTextsNeedNobody() throws {
        let stub = EmbedderStub()
        let (embedder, first) = busy(stub)
        #expect(try embedder.embed([], kind: .query, context: OperationContext()).vectors.isEmpty)
        stub.hold(false)
        _ = try first.result()
    }
}
