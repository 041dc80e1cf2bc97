import SimulationKit
import Testing

/// What simulated runs have found, as they printed it, simplified: each test bears the name of a bug that is mended.
@Suite struct FoundBugTests {
    private func replay(_ text: String, seed: UInt64) throws { try replay(text, Setup(seed: seed)) }

    private func replay(_ text: String, _ setup: Setup) throws {
        let report = Run.run(try Operation.parse(text), setup, isTraced: true)
        #expect(report.failure == nil, "\(report.failure.map { "\($0)\n\($0.trace)" } ?? "")")
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

    /// Of several prefixes of unanswered writes with the same points the model took the longest, although the op_key of
    /// the last of them had not been logged.
    @Test func theOpKeysTellHowManyUnansweredWritesAreThere() throws {
        try replay(
            """
            create 0
            write 0 upsert 35:30
            fault ioError after=3
            write 0 vectors 27:6 35:43 20:56 ; delete-all ; upsert 26:9 12:38 15:35 14:2 5:0 key=4 ; delete-all
            reopen
            write 0 delete-matching 7 ; delete 23 5 12 key=4 ; upsert 11:15
            """, seed: 2_472)
        try replay(
            """
            create 0
            write 0 upsert 9:57 20:61 28:60 if=current key=9
            fault diskFull after=2 permanent
            write 0 delete-matching 5 key=2
            fault shortWrite after=9
            write 0 delete-matching 5
            maintain 8
            write 0 replace 47 18 36 26 21 34 key=2 ; upsert 30:6 11:54 21:22 5:51 21:37 if=current key=3 ; delete-all
            """, seed: 13_333)
    }

    /// The only file of a log archive was judged by the time before its first write, and there is none: it was removed
    /// as soon as it was kept.
    @Test func theFirstFileOfAnArchiveIsKept() throws {
        try replay(
            """
            create 0
            snapshot 0
            write 0 upsert 1:52 33:3 3:4 25:63 21:46
            maintain 8
            restore 0 as=1 to=9
            """, seed: 914)
    }

    /// A log that was cut, because a write did not fit, and then closed was taken for durable as it was.
    @Test func aLogThatWasCutIsClosedDurably() throws {
        try replay(
            """
            create 0
            write 0 upsert 1:8+11215 36:14 4:11 16:32 11:16+12050 35:11 ; upsert 37:8 5:7 27:50 21:30 14:17
            fault shortWrite after=2
            write 0 upsert 25:1 1:25 31:55 22:35 20:27 15:45
            reopen
            write 0 upsert 4:1 7:38 1:46 22:39 if=current
            """, seed: 3047)
    }

    /// Files that a trim had not come to when the power was cut were in nobody's list: neither of the log, which did not
    /// need them, nor of the archive.
    @Test func whatATrimHasLeftLeadsToLaterWrites() throws {
        try replay(
            """
            create 0
            snapshot 0
            write 0 upsert 34:62 30:47
            write 0 upsert 39:56 34:55 2:21
            crash-later all seed=657 after=58
            optimize 0
            check
            check
            maintain 6
            restore 4 as=3 to=0
            """, seed: 3809)
    }

    /// With durability os a checkpoint was durable before the log that leads to it: after a power cut the collection
    /// was there, but no snapshot could be brought forward to its newest write.
    @Test func theLogLeadsToTheCheckpoint() throws {
        try replay(
            """
            create 0
            optimize 0
            write 0 upsert 8:39 1:46 30:46 14:42 4:50 34:42 ; upsert 34:36+10028 30:19 27:2
            snapshot 0
            crash-later prefix seed=526 after=50
            write 0 upsert 6:61 31:24 17:6 28:51 11:25
            maintain 7
            restore 5 as=2 to=13
            """, seed: 7458)
    }

    /// The model took a write whose append had failed for one that later writes of its group are compared with.
    @Test func aConditionMeetsNothingOfAWriteThatLeftNoTrace() throws {
        try replay(
            """
            create 0
            write 0 upsert 6:15 9:17 36:49 31:37 12:50+13004 13:35 if=current ; upsert 1:41 39:20
            write 0 upsert 19:62 25:59 16:15
            fault ioError after=10
            write 0 delete 9 12 9
            write 0 delete-all ; upsert 19:12 ; upsert 10:15 16:22 if=absent
            """, seed: 544)
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

    /// A snapshot's removal that ended before it was durable was finished at the next start: a power cut then brought
    /// the name back, but not the files.
    @Test(arguments: LossModel.allCases) func aRemovedSnapshotIsGoneOrWhole(model: LossModel) throws {
        for operation in 1...16 {
            try replay(
                """
                create 0
                write 0 upsert 1:1 2:2
                snapshot 0
                fault ioError after=\(operation)
                delete-snapshot 0
                kill
                crash \(model.rawValue) seed=\(operation)
                check
                verify 0
                """, CrashPointTests.setup)
        }
    }

    /// The same for one that was made: listed after a start, and gone after a power cut.
    @Test func aSnapshotThatIsListedAfterAKillSurvivesAPowerCut() throws {
        for operation in 20...70 {
            try replay(
                """
                create 0
                write 0 upsert 1:1 2:2
                fault ioError after=\(operation)
                snapshot 0
                kill
                crash none seed=1
                check
                verify 0
                """, CrashPointTests.setup)
        }
    }

    /// A log file that was kept in the archive, but not durably, counted as kept when that was tried again: the log
    /// was trimmed, and a power cut took what the archive had.
    @Test func whatTheArchiveKeepsSurvivesAPowerCut() throws {
        for operation in 1...80 {
            try replay(
                """
                create 0
                write 0 upsert 1:1 2:2
                snapshot 0
                write 0 upsert 3:3 4:4 5:5 6:6
                write 0 delete 1
                optimize 0
                fault ioError after=\(operation)
                maintain 40
                heal
                advance 60000
                maintain 40
                crash none seed=1
                restore 0 as=1 to=0
                restore 0 as=2 to=1
                """, CrashPointTests.setup)
        }
    }

    /// The marker behind a log's end was synced for a snapshot; when that had failed, another snapshot synced it again,
    /// with success, and its hash was that of a marker which the disk did not have.
    @Test(arguments: ["snapshot 0", "reopen"]) func aSnapshotAfterAFailedSyncIsWhole(failing: String) throws {
        for operation in 1...60 {
            try replay(
                """
                create 0
                write 0 upsert 1:1 2:2
                write 0 delete 1
                fault ioError after=\(operation)
                \(failing)
                heal
                advance 60000
                maintain 9
                snapshot 0
                snapshot 0
                crash none seed=1
                check
                verify 0
                verify 1
                """, CrashPointTests.setup)
        }
    }
}
