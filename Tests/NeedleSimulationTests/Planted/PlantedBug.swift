// Bugs that databases have had, planted to show that a simulated run finds them. Nothing of them is in the
// product: they are made where it meets its disk, its log or its callers.

import NeedleCore
import NeedleEngine
import NeedleStorage
import SimulationKit
import Synchronization

enum PlantedBug: String, CaseIterable, Sendable {
    case acknowledgedBeforeSync
    case noDirectorySync
    case tornTailAccepted
    case manifestBeforeData
    case batchSplit
    case deleteLostInMerge
    case payloadChangeLostInMerge
    case staleManifestKept
    case logTrimmedTooEarly
    case lsnReusedAfterCrash
    case writeLostOnRotation
    case deletionsOfAnotherSegment
    case opKeysForgotten
    case failedSyncIgnored

    func plant(into setup: inout Setup) {
        // The bug is to be found by what it does, not by watching the order of operations.
        setup.checksOrder = false
        switch self {
        case .batchSplit: setup.plant.splitsBatches = true
        case .tornTailAccepted, .logTrimmedTooEarly, .lsnReusedAfterCrash:
            let memory = BrokenLog.Memory()
            setup.options.wrapLog = { BrokenLog($0, self, directory: $1, memory: memory) }
        default: setup.plant.watch = { self.sabotage() }
        }
    }

    private static func isLog(_ path: String) -> Bool { path.hasSuffix(".log") && path.holds("/log/") }

    private func sabotage() -> Sabotage {
        switch self {
        case .acknowledgedBeforeSync: Sabotage(syncs: { !Self.isLog($0) })
        case .noDirectorySync: Sabotage(syncsDirectory: { _ in false })
        case .manifestBeforeData: Sabotage(syncs: { !$0.hasSuffix(".segment.tmp") })
        case .failedSyncIgnored: Sabotage(hidesFailures: Self.isLog)
        case .staleManifestKept: Self.keepingFirst { $0.hasSuffix("/\(Manifest.fileName)") }
        case .writeLostOnRotation: Self.forgettingOneSync()
        case .deleteLostInMerge: ManifestForger.losingDeletesOfMerges()
        case .payloadChangeLostInMerge: ManifestForger.losingPayloadsOfNewSegments()
        case .opKeysForgotten: ManifestForger.forgettingOpKeys()
        case .deletionsOfAnotherSegment: ManifestForger.mixingUpDeletions()
        default: Sabotage()
        }
    }

    /// Files of this kind are placed once, and never replaced.
    private static func keepingFirst(_ isKept: @escaping @Sendable (String) -> Bool) -> Sabotage {
        let placed = Shared(Set<String>())
        return Sabotage(renames: { _, new in
            !isKept(new) || placed.value.withLock { $0.insert(new).inserted }
        })
    }

    /// The first sync of every log file that took another's place.
    private static func forgettingOneSync() -> Sabotage {
        let fresh = Shared(Set<String>())
        return Sabotage(
            syncs: { path in fresh.value.withLock { $0.remove(path) == nil } },
            renames: { _, new in
                if isLog(new) { fresh.value.withLock { _ = $0.insert(new) } }
                return true
            })
    }
}

/// What a planted bug remembers.
final class Shared<Value: Sendable>: Sendable {
    let value: Mutex<Value>

    init(_ value: Value) {
        self.value = Mutex(value)
    }
}
