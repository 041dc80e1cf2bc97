import Glibc
import NIOCore
import NIOPosix
import NeedleCore
import NeedleServer
import Synchronization
import Testing

/// How long an event loop stays awake after an answer.
struct LoopPollingTests {
    /// A clock that goes on by ten microseconds whenever it is read.
    private final class TickingClock: Clock {
        private let ticks = Atomic<UInt64>(0)

        func monotonicNanoseconds() -> UInt64 {
            ticks.wrappingAdd(1, ordering: .sequentiallyConsistent).newValue * 10_000
        }

        func wallMilliseconds() -> Int64 { 0 }
    }

    /// A loop with connected sockets that counts how often it asked whether to go on.
    private final class Loop: Sendable {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let polling: LoopPolling
        /// Pairs: the loop's end and the peer's.
        let sockets: [(own: Int32, peer: Int32)]

        init(microseconds: Int = 200, sockets count: Int = 1, wantedFor wanted: Int = .max) async throws {
            let loop = group.next()
            let counter = Counter()
            polling = LoopPolling(eventLoop: loop, clock: TickingClock(), microseconds: microseconds) {
                counter.next() <= wanted
            }
            self.counter = counter
            sockets = (0..<count).map { _ in
                var pair: [Int32] = [0, 0]
                socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair)
                return (pair[0], pair[1])
            }
            let (polling, opened) = (polling, sockets.map(\.own))
            try await loop.submit { for socket in opened { polling.opened(socket) } }.get()
        }

        private let counter: Counter

        /// One request that is answered; what the loop did after it has been done when this returns.
        ///
        /// - Returns: how often it looked.
        func exchange(receivedAt: UInt64 = .max) async throws -> Int {
            let before = counter.value
            try await group.next().submit { [polling] in
                polling.began(receivedAt: receivedAt)
                polling.answered()
            }.get()
            // Behind what that has scheduled.
            try await group.next().submit {}.get()
            return counter.value - before
        }

        func close() async throws {
            for socket in sockets {
                Glibc.close(socket.own)
                Glibc.close(socket.peer)
            }
            try await group.shutdownGracefully()
        }
    }

    private final class Counter: Sendable {
        private let count = Atomic<Int>(0)
        var value: Int { count.load(ordering: .sequentiallyConsistent) }
        func next() -> Int { count.wrappingAdd(1, ordering: .sequentiallyConsistent).newValue }
    }

    @Test func looksUntilTheTimeIsOver() async throws {
        let loop = try await Loop()
        // The clock goes on by 10 of 200 microseconds with each look.
        #expect(try await loop.exchange() == 20)
        try await loop.close()
    }

    @Test func endsWhenSomethingCame() async throws {
        let loop = try await Loop(sockets: 2)
        #expect(write(loop.sockets[1].peer, "x", 1) == 1)
        #expect(try await loop.exchange() == 1)
        try await loop.close()
    }

    @Test func endsAsSoonAsSomebodyElseWantsToRun() async throws {
        let loop = try await Loop(wantedFor: 5)
        #expect(try await loop.exchange() == 6, "the sixth time the answer is no")
        try await loop.close()
    }

    @Test func givesUpAfterThreeLooksInVain() async throws {
        let loop = try await Loop()
        for _ in 0..<3 { #expect(try await loop.exchange() == 20) }
        #expect(try await loop.exchange() == 0)
        #expect(try await loop.exchange(receivedAt: 0) == 20, "somebody was quick again")
        try await loop.close()
    }

    @Test func doesNotLookWhileARequestIsOpen() async throws {
        let loop = try await Loop()
        try await loop.group.next().submit { [polling = loop.polling] in polling.began(receivedAt: .max) }
            .get()
        #expect(try await loop.exchange() == 0)
        // Its connection is closed, and nobody waits any more.
        try await loop.group.next().submit { [polling = loop.polling] in
            polling.closed(-1, openRequests: 1)
        }.get()
        #expect(try await loop.exchange() == 20)
        try await loop.close()
    }

    @Test func looksAtFewSocketsOrNone() async throws {
        for count in [0, 17] {
            let loop = try await Loop(sockets: count)
            #expect(try await loop.exchange() == 0)
            try await loop.close()
        }
    }

    @Test func zeroMeansNotAtAll() async throws {
        let loop = try await Loop(microseconds: 0)
        #expect(try await loop.exchange() == 0)
        try await loop.close()
    }
}
