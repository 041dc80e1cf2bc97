import NeedleCore

// Why a collection is not all that it should be, for `server.health` and people.

extension Collection {
    /// One sentence for each thing that is wrong now; none when the collection is well.
    var reasonsOfDegradation: [String] {
        var reasons: [String] = []
        if let reason = disk.reason { reasons.append(reason) }
        if segments.growing.count > 1, let reason = store.environment.backlog.reason {
            reasons.append(reason)
        }
        if let failure = failureOfWrites { reasons.append("writes are refused: \(failure.description)") }
        if let (error, times) = maintenance.failure {
            let seconds = Double(maintenance.retryPause / 100_000_000) / 10
            reasons.append(
                "background work failed \(times)\(times == 1 ? " time" : " times") in a row and is tried again "
                    + "in \(seconds) s: \(error.description)")
        }
        if let damage = integrity.logDamage {
            reasons.append(
                "\(damage.message): memory holds what it says, which is being written to segments")
        }
        return reasons + reasonsOfTheWatch
    }

    /// Nanoseconds until there is background work that only has to be waited for; `nil` when there is none.
    var maintenancePause: UInt64? {
        let retry = maintenance.failure == nil ? nil : max(maintenance.retryPause, 1_000_000)
        let isWell = maintenance.failure == nil && failureOfWrites == nil
        let idle = isWell ? idle.pause(now: clock.monotonicNanoseconds()) : nil
        return [retry, idle, measurementPause, qualityPause, integrityPause].compactMap(\.self).min()
    }
}
