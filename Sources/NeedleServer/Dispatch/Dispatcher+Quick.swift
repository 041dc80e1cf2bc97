import NIOPosix
import NeedleCore
import NeedleEngine
import NeedleWire

// Searches that are expected to be quick, on the event loop that read them (`QuickDesk`) or on a search thread.

extension Dispatcher {
    /// Runs such a search and answers with what it gives.
    ///
    /// - Parameter mayTakeLong: it is not known well enough how long it takes. An event loop breaks it off when it takes
    ///   longer than quick ones do, and a thread of the pool begins again.
    func runQuickly(
        _ task: RequestTask, on pool: WorkerPool, mayTakeLong: Bool,
        _ body: @escaping @Sendable (OperationContext) throws(DatabaseError) -> Reply
    ) {
        let job: WorkerPool.Job = {
            if mayTakeLong, MultiThreadedEventLoopGroup.currentEventLoop != nil, task.sink.admitsReply {
                self.hurry(task, on: pool, body)
            } else {
                self.carryOut(task, on: pool) { () throws(DatabaseError) in try body(task.context) }
            }
        }
        if !submitQuickly(job, receivedAt: task.receivedAt) { task.fail(Self.overloaded(pool)) }
    }

    private func submitQuickly(_ job: @escaping WorkerPool.Job, receivedAt: UInt64) -> Bool {
        let loop = MultiThreadedEventLoopGroup.currentEventLoop
        if let loop, let desk = desks[ObjectIdentifier(loop)] {
            return desk.add(receivedAt: receivedAt, job)
        }
        return search.trySubmitQuick(job, withHelp: false)
    }

    /// Answers, if that does not hold up the loop.
    private func hurry(
        _ task: RequestTask, on pool: WorkerPool,
        _ body: @escaping @Sendable (OperationContext) throws(DatabaseError) -> Reply
    ) {
        let end = clock.monotonicNanoseconds() + UInt64(SearchPace.quick)
        do throws(DatabaseError) {
            try task.context.check()
            task.finish(.success(try body(OperationContext(clock: clock, deadlineNanoseconds: end))))
        } catch {
            guard error.kind == .deadline else { return task.fail(error) }
            // The request's own time may be over as well: that is asked first.
            pool.submit {
                self.carryOut(task, on: pool) { () throws(DatabaseError) in try body(task.context) }
            }
        }
    }
}
