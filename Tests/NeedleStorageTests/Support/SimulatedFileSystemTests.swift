import NeedleCore
import SimulationKit
import Testing

/// The simulated disk must itself lose what a real one may lose: else the tests above it prove nothing.
@Suite struct SimulatedFileSystemTests {
    private func crashed(
        _ model: LossModel, seed: UInt64 = 1, _ work: (SimulatedFileSystem) throws -> Void
    ) rethrows -> SimulatedFileSystem {
        let disk = SimulatedFileSystem()
        try work(disk)
        var generator = SeededGenerator(seed: seed)
        disk.crash(model, using: &generator)
        return disk
    }

    @Test func unsyncedBytesAndNamesAreLost() throws {
        let disk = try crashed(.none) { disk in
            let file = try disk.create("a")
            try file.write([1, 2, 3], at: 0)
            try file.sync()
            try disk.syncDirectory(".")
            try file.write([9, 9], at: 1)
            _ = try disk.create("b").sync()
        }
        #expect(try disk.list(".") == ["a"], "a synced file whose name was not synced is gone")
        #expect(disk.content(of: "a") == [1, 2, 3])
        let kept = try crashed(.all) { try $0.create("b").write([7], at: 2) }
        #expect(kept.content(of: "b") == [0, 0, 7])
    }

    @Test func anUnsyncedRenameIsWhollyDoneOrNot() throws {
        var outcomes: Set<[String]> = []
        for seed in 0..<20 as Range<UInt64> {
            let disk = try crashed(.anySubset, seed: seed) { disk in
                disk.put([1], at: "old")
                disk.put([2], at: "new")
                try disk.rename("old", to: "new")
            }
            outcomes.insert(try disk.list("."))
            #expect(disk.content(of: "new") == (try disk.exists("old") ? [2] : [1]))
        }
        #expect(outcomes == [["new"], ["new", "old"]])
    }

    @Test func aFailedSyncLosesWhatItHeldEvenIfALaterOneSucceeds() throws {
        let disk = try crashed(.all) { disk in
            disk.put([0, 0, 0, 0], at: "a")
            let file = try disk.openForWriting("a")
            try file.write([1, 1], at: 0)
            disk.plan(Fault(.ioError, at: 1))
            #expect(throws: DatabaseError.self) { try file.sync() }
            #expect(try file.readExactly(4, at: 0) == [1, 1, 0, 0], "reading still shows it")
            try file.write([2], at: 3)
            try file.sync()
        }
        #expect(disk.content(of: "a") == [0, 0, 0, 2])
    }

    @Test func sectorsTear() throws {
        var contents: Set<[UInt8]> = []
        for seed in 0..<30 as Range<UInt64> {
            let disk = try crashed(.tornSectors, seed: seed) { disk in
                disk.put([UInt8](repeating: 0, count: 1024), at: "a")
                try disk.openForWriting("a").write([UInt8](repeating: 1, count: 600), at: 300)
            }
            let content = try #require(disk.content(of: "a"))
            contents.insert([content[300], content[511], content[512], content[899]])
        }
        #expect(contents == [[0, 0, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [1, 1, 1, 1]])
    }

    @Test func faultsComeWhenPlannedAndHandlesDieWithTheMachine() throws {
        let disk = SimulatedFileSystem()
        let file = try disk.create("a")
        disk.plan(Fault(.shortWrite, at: 2))
        try file.write([1], at: 0)
        let error = #expect(throws: DatabaseError.self) { try file.write([2, 2, 2, 2], at: 1) }
        #expect(error?.kind == .diskFull)
        #expect(disk.content(of: "a") == [1, 2, 2])
        disk.plan(Fault(.ioError, at: 1, isPermanent: true))
        for _ in 0..<3 { #expect(throws: DatabaseError.self) { _ = try disk.list(".") } }
        disk.killProcess()
        #expect(disk.content(of: "a") == [1, 2, 2])
        #expect(throws: DatabaseError.self) { try file.write([1], at: 0) }
        #expect(disk.openHandleCount == 0)
    }

    @Test func flippedBitsShowInMappingsAndFullDisksRefuse() throws {
        let disk = SimulatedFileSystem()
        disk.put([1, 2, 3], at: "a")
        let region = try disk.openForReading("a").map()
        #expect(disk.mappingCount == 1)
        disk.flip("a", at: 1, mask: 0xF0)
        #expect(Array(region.bytes) == [1, 0xF2, 3])
        disk.setCapacity(5)
        let file = try disk.create("b")
        try file.write([1, 1], at: 0)
        #expect(throws: DatabaseError.self) { try file.write([1], at: 2) }
        try disk.unlink("a")
        try file.write([1], at: 2)
    }

    @Test func theSameSeedGivesTheSameDisk() throws {
        func once() throws -> [UInt8]? {
            try crashed(.tornSectors, seed: 5) { disk in
                disk.put([UInt8](repeating: 0, count: 9000), at: "a")
                let file = try disk.openForWriting("a")
                for part in 0..<9 {
                    try file.write([UInt8](repeating: UInt8(part + 1), count: 1000), at: part * 1000)
                }
            }.content(of: "a")
        }
        #expect(try once() == once())
    }
}
