// Reads what the machine says of itself: /proc, /sys, limits, the disk. Changes nothing but for one small file in the
// data directory, which is gone at the end.

import Glibc

/// Takes the readings of this machine.
package enum MachineProbe {
    /// - Parameter dataDirectory: where the data lies, or will lie.
    package static func readings(dataDirectory: String?) -> MachineReadings {
        var readings = MachineReadings()
        readings.release = text("/proc/sys/kernel/osrelease")
        readings.instructions = text("/proc/cpuinfo").flatMap(instructions)
        readings.memoryBytes = Int(sysconf(Int32(_SC_PHYS_PAGES))) * Int(sysconf(Int32(_SC_PAGESIZE)))
        readings.overcommit = text("/proc/sys/vm/overcommit_memory").flatMap { Int($0) }
        readings.mappings = text("/proc/sys/vm/max_map_count").flatMap { Int($0) }
        readings.openFiles = openFiles()
        readings.hugePages = text("/sys/kernel/mm/transparent_hugepage/enabled").flatMap(chosen)
        readings.clockSource = text("/sys/devices/system/clocksource/clocksource0/current_clocksource")
        readings.now = Int(time(nil))
        readings.disk = dataDirectory.flatMap(disk)
        return readings
    }

    /// A small file of the kernel, without the newline at its end.
    private static func text(_ path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 16_384)
        let count = fread(&bytes, 1, bytes.count, file)
        let text = String(decoding: bytes[..<count], as: UTF8.self)
        return text.hasSuffix("\n") ? String(text.dropLast()) : text
    }

    /// Of the first processor: `flags` on x86, `Features` on ARM.
    package static func instructions(_ processors: String) -> Set<String>? {
        for line in processors.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, ["flags", "Features"].contains(parts[0].filter { !$0.isWhitespace })
            else { continue }
            return Set(parts[1].split(separator: " ").map(String.init))
        }
        return nil
    }

    /// The word in brackets.
    package static func chosen(_ text: String) -> String? {
        guard let open = text.firstIndex(of: "["), let close = text.firstIndex(of: "]"), open < close else {
            return nil
        }
        return String(text[text.index(after: open)..<close])
    }

    private static func openFiles() -> Int? {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return nil }
        return Int(clamping: limit.rlim_max)
    }

    // MARK: Disk

    private static func disk(_ path: String) -> MachineReadings.Disk? {
        var existing = path
        var status = stat()
        while stat(existing, &status) != 0 {
            guard let slash = existing.lastIndex(of: "/") else { existing = "."; break }
            existing = slash == existing.startIndex ? "/" : String(existing[..<slash])
        }
        var system = statvfs()
        guard statvfs(existing, &system) == 0 else { return nil }
        let isWritable = access(existing, W_OK | X_OK) == 0
        return MachineReadings.Disk(
            path: path, existing: existing, isWritable: isWritable,
            fileSystem: text("/proc/self/mountinfo").flatMap {
                fileSystem(of: absolute(existing), mounts: $0)
            },
            freeBytes: Int(system.f_bavail) * Int(system.f_frsize),
            totalBytes: Int(system.f_blocks) * Int(system.f_frsize),
            syncMicroseconds: isWritable ? syncMicroseconds(in: existing) : nil)
    }

    private static func absolute(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// Of the innermost mount that the path lies in (proc_pid_mountinfo(5)).
    package static func fileSystem(of path: String, mounts: String) -> String? {
        var best: (length: Int, type: String)?
        for line in mounts.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 4, let dash = fields.firstIndex(of: "-"), dash + 1 < fields.count else {
                continue
            }
            let point = fields[4].replacing("\\040", with: " ")
            let isWithin = point == "/" || path == point || path.hasPrefix(point + "/")
            // Of two mounts in one place the later one hides the other.
            guard isWithin, point.utf8.count >= best?.length ?? 0 else { continue }
            best = (point.utf8.count, String(fields[dash + 1]))
        }
        return best?.type
    }

    private static let syncs = 15

    private static func syncMicroseconds(in folder: String) -> Double? {
        let path = "\(folder)/.needletail-doctor-\(getpid())"
        let descriptor = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return nil }
        defer {
            close(descriptor)
            unlink(path)
        }
        let block = [UInt8](repeating: 0x4E, count: 4096)
        var took: [Double] = []
        for number in 0..<syncs {
            let began = ContinuousClock.now
            guard pwrite(descriptor, block, block.count, number * block.count) == block.count,
                fdatasync(descriptor) == 0
            else { return nil }
            took.append((ContinuousClock.now - began) / .microseconds(1))
        }
        return took.sorted()[took.count / 2]
    }
}
