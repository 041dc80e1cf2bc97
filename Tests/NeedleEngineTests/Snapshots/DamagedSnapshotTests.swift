import NeedleCore
import NeedleEngine
import NeedleStorage
import SimulationKit
import Testing

/// One damaged snapshot, or a damaged collection that a snapshot is wanted of: said by name, without harm to others.
@Suite struct DamagedSnapshotTests {
    private func filled() throws -> TestDatabase {
        let database = try TestDatabase(options: TestDatabase.snapshotOptions)
        try database.fill(try database.create(size: 3))
        return database
    }

    @Test func aDamagedSnapshotHidesNoOtherFromTheList() throws {
        let database = try filled()
        let first = try database.database.snapshot()
        let second = try database.database.snapshot()
        let forged = ForgedSnapshot(disk: database.disk, name: first.name)
        var bytes = try forged.bytes("SNAPSHOT")
        bytes[bytes.count / 2] ^= 1
        try forged.replace("SNAPSHOT", with: bytes)
        #expect(database.database.health().isWell, "nobody has looked yet")
        #expect(try database.database.listSnapshots(of: nil) == [second])
        #expect(try database.database.listSnapshots(of: "c") == [second])
        let health = database.database.health()
        #expect(!health.isWell && health.collections.allSatisfy { $0.state == .ready })
        #expect(health.damagedSnapshots.map(\.name) == [first.name])
        let reason = try #require(health.damagedSnapshots.first?.reason)
        #expect(reason.contains("SNAPSHOT") && reason.contains("offset") && !reason.contains("db/"))
        try database.database.deleteSnapshot(first.name)
        #expect(database.database.health().isWell)
    }

    @Test func healthNamesASnapshotThatVerifyFoundDamagedUntilItIsRight() throws {
        let database = try filled()
        let snapshot = try database.database.snapshot()
        let forged = ForgedSnapshot(disk: database.disk, name: snapshot.name)
        let bytes = try forged.bytes("PROBES")
        try forged.replace("PROBES", with: bytes + [0])
        for isRestore in [false, true] {
            #expect(throws: DatabaseError.self) {
                if isRestore {
                    try database.database.restore(snapshot.name, as: "d")
                } else {
                    try database.database.verify(snapshot.name)
                }
            }
            #expect(database.database.health().damagedSnapshots.map(\.name) == [snapshot.name])
        }
        #expect(try database.database.listSnapshots(of: nil) == [snapshot], "its manifest can be read")
        try forged.replace("PROBES", with: bytes)
        try database.database.verify(snapshot.name)
        #expect(database.database.health().isWell)
    }

    /// The hash of a sealed segment is known from its sealing, so nothing but the probes reads it for a snapshot.
    @Test func damageThatTheProbesMeetIsNotMadeTheTruth() throws {
        let bench = try DamageBench.shared.get()
        for path in try bench.files(".segment") {
            let disk = bench.disk.clone()
            let vectors = try #require(try bench.reader(of: path).section(.vectors, space: 0)).range
            disk.flip(path, at: vectors.lowerBound + vectors.count / 2)
            let database = try bench.open(disk)
            let error = #expect(throws: DatabaseError.self) { try database.database.snapshot() }
            #expect(
                error?.kind == .corruption && error?.message.contains("offset") == true,
                "\(String(describing: error))")
            #expect(try disk.list("db/snapshots").isEmpty)
        }
    }

    @Test func onAFullDiskNoSnapshotIsMadeRestoredOrImported() throws {
        let database = try filled()
        let snapshot = try database.database.snapshot()
        database.options.lowWaterBytes = 1 << 20
        database.disk.setCapacity(database.disk.usedBytes + (1 << 20) - 1)
        try database.reopen()
        let transfers = database.database.transfers
        let attempts: [() throws -> Void] = [
            { try database.database.snapshot() },
            { try database.database.restore(snapshot.name, as: "d") },
            { _ = try transfers.beginImport() },
        ]
        for attempt in attempts {
            let error = #expect(throws: DatabaseError.self) { try attempt() }
            #expect(error?.kind == .diskFull && error?.expected?.contains("bytes free") == true)
        }
        try database.expectNoLeftovers(1, 1)
        // What needs no room to speak of goes on.
        try database.database.verify(snapshot.name)
        database.disk.setCapacity(database.disk.usedBytes + (4 << 20))
        database.clock.advance(100)
        for attempt in attempts { try attempt() }
    }

    @Test func anImportEndsWhenTheDiskBecomesFull() throws {
        let database = try filled()
        database.options.lowWaterBytes = 1 << 20
        try database.reopen()
        let snapshot = try database.database.snapshot()
        let transfers = database.database.transfers
        let archive = try transfers.read(
            snapshot.name, at: 0, limit: 1 << 20, context: OperationContext()
        ).bytes
        let id = try transfers.beginImport()
        _ = try transfers.write(Array(archive[..<100]), at: 0, to: id)
        database.disk.setCapacity(database.disk.usedBytes + 1_000)
        database.clock.advance(100)
        let error = #expect(throws: DatabaseError.self) {
            try transfers.write(Array(archive[100...]), at: 100, to: id)
        }
        #expect(error?.kind == .diskFull)
        try database.expectNoLeftovers(1, 1)
        #expect(throws: DatabaseError.self) { try transfers.commitImport(id, as: nil) }
    }
}
