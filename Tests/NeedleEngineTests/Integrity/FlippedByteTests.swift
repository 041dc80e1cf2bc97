import NeedleCore
import NeedleEngine
import SimulationKit
import Testing

/// Single bits of any file flipped: what is served afterwards is right, or is said to be damaged (invariant 6).
@Suite struct FlippedByteTests {
    private let bench: DamageBench

    init() throws {
        bench = try DamageBench.shared.get()
    }

    @Test func nothingIsWrongWithoutDamage() throws {
        let verdict = try bench.compare(try bench.open(bench.disk.clone()))
        #expect(verdict.wrong.isEmpty && !verdict.isTold, "\(verdict)")
    }

    private func offsets(of path: String, quick: Int, long: Int) throws -> [Int] {
        let count = try #require(bench.disk.content(of: path)).count
        let samples = DamageBench.isLong ? long : quick
        guard samples < count else { return Array(0..<count) }
        var generator = SeededGenerator(seed: UInt64(count))
        return (0..<samples).map { _ in Int.random(in: 0..<count, using: &generator) }
    }

    /// Damaged while the server is down: asked at once after opening, and again when everything was verified and
    /// repaired.
    @Test(arguments: ["CATALOGUE", "MANIFEST", "log", ".deletions", ".overlay", "QUALITY", ".segment"])
    func aFlipWhileClosedIsFoundOrHarmless(file: String) throws {
        for path in try bench.files(file) {
            let isSegment = file == ".segment"
            for offset in try offsets(of: path, quick: isSegment ? 12 : 16, long: isSegment ? 5_000 : .max) {
                let disk = bench.disk.clone()
                disk.flip(path, at: offset, mask: UInt8(1 << (offset % 8)))
                guard let database = try opened(disk) else { continue }
                let place = "\(path) at \(offset)"
                let first = try bench.compare(database)
                #expect(first.wrong.isEmpty, "\(place): \(first.wrong)")
                database.settle()
                let second = try bench.compare(database)
                #expect(second.wrong.isEmpty, "\(place), settled: \(second.wrong)")
                let summary = try #require(database.database.summaries().first)
                #expect(second.isTold == (summary.state != .ready), "\(place): \(summary)")
                if second.isTold {
                    let reason = summary.reason ?? ""
                    #expect(reason.contains("offset") || reason.contains("format"), "\(summary)")
                }
                if isSegment, !second.isTold { #expect(summary.state == .ready, "\(place): rebuilt") }
            }
        }
    }

    /// `nil` when the catalogue is damaged, which opening says.
    private func opened(_ disk: SimulatedFileSystem) throws -> TestDatabase? {
        do {
            return try bench.open(disk)
        } catch let error as DatabaseError {
            #expect(error.kind == .corruption)
            return nil
        }
    }

    /// Damaged under a running server: the next scrub finds it.
    @Test(arguments: ["MANIFEST", ".deletions", ".overlay", ".segment"])
    func aFlipWhileOpenIsFoundByTheNextScrub(file: String) throws {
        for path in try bench.files(file) {
            for offset in try offsets(of: path, quick: 8, long: 5_000) {
                let disk = bench.disk.clone()
                let database = try bench.open(disk)
                database.settle()
                disk.flip(path, at: offset, mask: UInt8(1 << (offset % 8)))
                let collection = try database.collection()
                let job = collection.scrub()
                #expect(job.kind == "scrub" && job.state == .running)
                database.settle()
                let place = "\(path) at \(offset)"
                let ended = try #require(collection.job(job.id))
                #expect(
                    ended.state == .failed && ended.error?.contains("damaged") == true, "\(place): \(ended)")
                let verdict = try bench.compare(database)
                #expect(verdict.wrong.isEmpty, "\(place): \(verdict.wrong)")
                #expect(verdict.isTold == (database.database.summaries().first?.state != .ready))
                if file != ".segment" { #expect(!verdict.isTold, "\(place): written anew") }
                try database.reopen()
                #expect(try bench.compare(database).wrong.isEmpty, "\(place), opened again")
            }
        }
    }
}
