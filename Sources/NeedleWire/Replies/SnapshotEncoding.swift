// What the server tells of snapshots and of jobs.

import NeedleCore

extension JSONWriter {
    /// The answer of `snapshot.create`.
    mutating func writeCreated(_ snapshot: SnapshotDescription) {
        string("snapshot", snapshot.name)
        lsn(snapshot.lsn)
        integer("points", snapshot.points)
        integer("bytes", snapshot.bytes)
        string("sha256", snapshot.sha256)
    }

    mutating func writeList(_ snapshots: [SnapshotDescription]) {
        key("snapshots")
        array(snapshots) { json, snapshot in
            json.object { $0.writeMembers(of: snapshot) }
        }
    }

    mutating func writeMembers(of snapshot: SnapshotDescription) {
        string("snapshot", snapshot.name)
        string("collection", snapshot.collection)
        lsn(snapshot.lsn)
        integer("points", snapshot.points)
        integer("bytes", snapshot.bytes)
        string("sha256", snapshot.sha256)
        key("created_ms")
        write(snapshot.createdMS)
    }

    mutating func writeMembers(of verification: SnapshotVerification) {
        key("ok")
        write(true)
        string("snapshot", verification.snapshot)
        lsn(verification.lsn)
        integer("points", verification.points)
        integer("files", verification.files)
        integer("bytes", verification.bytes)
        integer("probes", verification.probes)
    }

    mutating func writeList(_ jobs: [JobSnapshot]) {
        key("jobs")
        array(jobs) { json, job in
            json.object { json in
                json.string("job", job.id)
                json.string("kind", job.kind)
                json.string("collection", job.collection)
                json.string("state", job.state.rawValue)
                json.string("phase", job.phase)
                json.integer("done", job.done)
                json.integer("total", job.total)
                json.key("rate")
                json.write(job.rate)
                json.key("eta_ms")
                if let eta = job.etaMS { json.write(eta) } else { json.writeNull() }
                if let error = job.error { json.string("error", error) }
            }
        }
    }
}
