import SimulationKit
import Testing

/// What simulated runs have found, as they printed it, simplified: each test bears the name of a bug that is mended.
@Suite struct FoundBugTests {
    private func replay(_ text: String, seed: UInt64) throws {
        let report = Run.run(try Operation.parse(text), Setup(seed: seed))
        #expect(report.failure == nil, "\(report.failure.map(\.description) ?? "")")
    }

    /// The manifest's time was taken for that of writes behind its checkpoint, so that their op_keys lived longer.
    @Test func opKeysExpireInTimeAfterARecovery() throws {
        try replay(
            """
            create 0
            write 0 upsert 34:1 12:46 32:50 5:13 0:28 17:8
            write 0 upsert 18:22 30:33 28:54 25:34 key=6
            advance 15787
            write 0 delete-all
            maintain 6
            advance 19884
            crash prefix seed=680
            write 0 delete-matching 2 key=6
            """, seed: 33)
    }

    /// Recovery removed files that the manifest does not name before that manifest's own name was durable: a power cut
    /// brought back the one before, whose files were gone.
    @Test func whatOnlyTheManifestBeforeNamesStaysUntilTheNewOneIsDurable() throws {
        // The checkpoint's manifest gets its name; syncing the directory fails; the process ends.
        let script = try Operation.parse(
            """
            create 0
            write 0 upsert 1:1 2:2 3:3 4:4 5:5 6:6
            optimize 0
            maintain 40
            write 0 delete 1
            optimize 0
            """)
        for operation in 1...60 {
            let end = try Operation.parse("fault ioError after=\(operation)\nmaintain 40\nkill")
            let report = Run.run(script + end, CrashPointTests.setup)
            #expect(report.failure == nil, "\(operation): \(report.failure.map(\.description) ?? "")")
        }
    }

    /// A drop whose last step failed left the collection in use while the catalogue on the disk had forgotten it:
    /// what was written then was lost at the next start.
    @Test func aFailedDropTakesNoAcknowledgedWriteAlong() throws {
        for operation in 1...8 {
            try replay(
                """
                create 0
                write 0 upsert 1:1
                fault ioError after=\(operation)
                drop 0
                heal
                write 0 upsert 2:2
                kill
                check
                """, seed: 33)
        }
    }

    /// A catalogue that had its name, but whose name was not synced when the process ended, was taken as it was: a
    /// power cut brought back the one before, and a collection that had taken writes meanwhile was gone.
    @Test func aCollectionThatIsServedAfterAKillSurvivesAPowerCut() throws {
        for operation in 1...40 {
            try replay(
                """
                create 0
                fault ioError after=\(operation)
                create 1
                kill
                write 1 upsert 1:1
                crash none seed=1
                check
                """, seed: 485)
        }
    }
}
