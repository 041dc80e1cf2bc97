import NeedleCore
import NeedleStorage
import SimulationKit
import Testing

@Suite struct AtomicFileTests {
    private let old = [UInt8](repeating: 1, count: 900)
    private let new = [UInt8](repeating: 2, count: 1700)

    private func disk() throws -> SimulatedFileSystem {
        let disk = SimulatedFileSystem()
        try AtomicFile.replace(disk, "f", with: old)
        return disk
    }

    @Test(arguments: LossModel.allCases) func afterACrashItIsTheOldOrTheNew(model: LossModel) throws {
        for point in 1...12 {
            for seed in 0..<8 as Range<UInt64> {
                let disk = try disk()
                disk.plan(Fault(.crash, at: point))
                var isDone = true
                do { try AtomicFile.replace(disk, "f", with: new) } catch { isDone = false }
                var generator = SeededGenerator(seed: seed)
                disk.crash(model, using: &generator)
                let content = try disk.readAll("f", limit: 10_000)
                #expect(content == new || content == old && !isDone, "crash at \(point), seed \(seed)")
                try AtomicFile.replace(disk, "f", with: [3])
                #expect(try disk.readAll("f", limit: 10) == [3], "left-overs do not get in the way")
            }
        }
    }

    @Test(arguments: [FaultKind.ioError, .diskFull, .shortWrite])
    func afterAFailureItIsTheOldOrTheNew(kind: FaultKind) throws {
        for point in 1...8 {
            let disk = try disk()
            disk.plan(Fault(kind, at: point))
            var isDone = true
            do { try AtomicFile.replace(disk, "f", with: new) } catch { isDone = false }
            disk.plan()
            let content = try disk.readAll("f", limit: 10_000)
            #expect(content == new || content == old && !isDone)
            #expect(disk.openHandleCount == 0)
            var generator = SeededGenerator(seed: 1)
            disk.crash(.none, using: &generator)
            let later = try disk.readAll("f", limit: 10_000)
            #expect(later == new || later == old && !isDone)
        }
    }
}
