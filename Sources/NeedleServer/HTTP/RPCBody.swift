import HummingbirdCore
import NIOCore

/// Gathers the body of one request, within the limit of a line and the server's byte budget, by the budget's rules: while
/// there is no room the connection is not read, and who may finish regardless has so long and no longer.
///
/// For one task.
final class RPCBody {
    enum Outcome {
        /// Its bytes are counted by the budget as a line's, until somebody takes them off.
        case whole([UInt8])
        case tooLong
    }

    private let limit: Int
    private let budget: ByteBudget
    private let channel: any Channel
    private var bytes: [UInt8] = []
    private var isFinishing = false
    private var timer: Scheduled<Void>?

    init(limit: Int, budget: ByteBudget, channel: any Channel) {
        self.limit = limit
        self.budget = budget
        self.channel = channel
    }

    /// - Throws: when the connection breaks before the body's end; nothing is counted then.
    func gather(_ body: RequestBody) async throws -> Outcome {
        defer { endFinishing() }
        do {
            for try await piece in body {
                guard bytes.count + piece.readableBytes <= limit else {
                    giveUp()
                    return .tooLong
                }
                await waitForRoom()
                piece.withUnsafeReadableBytes { bytes.append(contentsOf: $0) }
                budget.addLines(piece.readableBytes)
            }
        } catch {
            giveUp()
            throw error
        }
        return .whole(bytes)
    }

    private func giveUp() {
        budget.addLines(-bytes.count)
        bytes = []
    }

    private func waitForRoom() async {
        let unfinished = max(1, bytes.count)
        while !isFinishing, !budget.allowsReading(unfinished: unfinished) {
            let id = ObjectIdentifier(self)
            let grant = await withCheckedContinuation { continuation in
                budget.wait(id, unfinished: unfinished) { continuation.resume(returning: $0) }
            }
            if case .finish = grant { beginFinishing() }
        }
    }

    private func beginFinishing() {
        isFinishing = true
        let channel = channel
        timer = channel.eventLoop.scheduleTask(in: .milliseconds(Int64(budget.finishingMS))) {
            channel.close(promise: nil)
        }
    }

    private func endFinishing() {
        timer?.cancel()
        if isFinishing { budget.leave(ObjectIdentifier(self)) }
        isFinishing = false
    }
}
