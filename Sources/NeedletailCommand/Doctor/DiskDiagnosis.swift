// What the disk below the data directory means for a server. Pure.

enum DiskDiagnosis {
    static func all(_ disk: MachineReadings.Disk) -> [Diagnosis] {
        [access(disk), disk.fileSystem.map(kind), room(disk), disk.syncMicroseconds.map(sync)].compactMap(
            \.self)
    }

    private static func access(_ disk: MachineReadings.Disk) -> Diagnosis {
        guard disk.isWritable else {
            return .problem(
                "data", "\(disk.existing) cannot be written by this user",
                "run this as the server's user, or give that user the directory")
        }
        return .ok(
            "data", disk.existing == disk.path ? disk.path : "\(disk.path) will be made in \(disk.existing)")
    }

    /// Nothing on them survives a restart.
    private static let volatile: Set<String> = ["tmpfs", "ramfs"]
    private static let remote: Set<String> = [
        "nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "glusterfs", "lustre", "virtiofs", "vboxsf",
    ]

    private static func kind(_ name: String) -> Diagnosis {
        if volatile.contains(name) {
            return .problem(
                "file system", "\(name): nothing on it survives a restart of the machine",
                "put the data on a disk")
        }
        if remote.contains(name) || name.hasPrefix("fuse") {
            return .advice(
                "file system",
                "\(name): what a sync promises there, and what a mapped file sees, is up to its server",
                "put the data on a local disk, and copies elsewhere with needletail backup")
        }
        if name == "overlay" {
            return .advice(
                "file system", "\(name): a container's own layer goes with the container",
                "mount a volume for the data")
        }
        return .ok("file system", name)
    }

    private static func room(_ disk: MachineReadings.Disk) -> Diagnosis {
        let free = "\(Numbers.bytes(disk.freeBytes)) of \(Numbers.bytes(disk.totalBytes)) free"
        // The default of storage.low_water_bytes.
        if disk.freeBytes < 1 << 30 {
            return .problem(
                "space", "\(free): below storage.low_water_bytes (1 GiB) the server takes no writes",
                "make room, or lower the mark")
        }
        return disk.freeBytes < disk.totalBytes / 10
            ? .advice("space", "\(free): merging needs room for its largest segment once more", "make room")
            : .ok("space", free)
    }

    private static func sync(_ microseconds: Double) -> Diagnosis {
        let text = "\(Numbers.microseconds(microseconds)) for 4 KiB"
        return microseconds > 20_000
            ? .advice(
                "sync", "\(text): a write with durability fsync waits as long",
                "write in larger batches or over several connections, which share a sync; or take a faster disk"
            )
            : .ok("sync", text)
    }
}
