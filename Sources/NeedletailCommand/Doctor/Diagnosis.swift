// What readings of a machine mean for a server on it. Pure: readings in, findings out.

/// Something that was looked at.
package struct Diagnosis: Hashable, Sendable {
    package enum Level: String, Sendable {
        case ok
        /// It works, and would work better.
        case advice
        /// It does not work, or not for long.
        case problem
    }

    package var level: Level
    package var subject: String
    /// What was found.
    package var what: String
    /// What to do about it; `nil` where there is nothing to do.
    package var remedy: String?

    /// Everything that was looked at, in a fixed order. What the machine does not say is left out.
    package static func all(_ readings: MachineReadings, clientVersion: String) -> [Diagnosis] {
        [
            readings.release.map { ok("kernel", $0) }, readings.instructions.map(processor),
            readings.memoryBytes.map(memory), readings.overcommit.map(overcommit),
            readings.mappings.map(mappings), readings.openFiles.map(openFiles),
            readings.hugePages.map(hugePages), readings.clockSource.map(clockSource),
            readings.now.map(clock),
        ].compactMap(\.self) + (readings.disk.map(DiskDiagnosis.all) ?? [])
            + (readings.server.map { server($0, clientVersion) } ?? [])
    }

    static func ok(_ subject: String, _ what: String) -> Diagnosis {
        Diagnosis(level: .ok, subject: subject, what: what)
    }

    static func advice(_ subject: String, _ what: String, _ remedy: String) -> Diagnosis {
        Diagnosis(level: .advice, subject: subject, what: what, remedy: remedy)
    }

    static func problem(_ subject: String, _ what: String, _ remedy: String) -> Diagnosis {
        Diagnosis(level: .problem, subject: subject, what: what, remedy: remedy)
    }

    // MARK: Processor and memory

    private static func processor(_ instructions: Set<String>) -> Diagnosis {
        if instructions.isSuperset(of: ["avx512f", "avx512bw", "avx512_vnni"]) {
            return ok("processor", "AVX-512 with VNNI")
        }
        if instructions.isSuperset(of: ["avx2", "fma"]) { return ok("processor", "AVX2 and FMA") }
        if instructions.contains("asimd") {
            return instructions.contains("asimddp")
                ? ok("processor", "NEON with dot products")
                : advice(
                    "processor", "NEON without dot products: searches on codes take longer",
                    "an ARMv8.2 processor or newer has them")
        }
        return advice(
            "processor", "neither AVX2 with FMA nor NEON: searches and embeddings take several times as long",
            "in a virtual machine, let it see the host's processor (cpu model \"host\")")
    }

    private static func memory(_ bytes: Int) -> Diagnosis {
        bytes >= 1 << 30
            ? ok("memory", Numbers.bytes(bytes))
            : advice(
                "memory", "\(Numbers.bytes(bytes)): line buffers and the model alone may take half of it",
                "lower limits.server_bytes and storage.growing_bytes")
    }

    private static func overcommit(_ mode: Int) -> Diagnosis {
        mode == 2
            ? problem(
                "overcommit", "vm.overcommit_memory is 2: memory that is only reserved counts as used",
                "sysctl vm.overcommit_memory=0")
            : ok("overcommit", "vm.overcommit_memory is \(mode)")
    }

    private static func mappings(_ most: Int) -> Diagnosis {
        most >= 65_530
            ? ok("mappings", "vm.max_map_count is \(Numbers.grouped(most))")
            : advice(
                "mappings", "vm.max_map_count is \(Numbers.grouped(most)): every segment takes some mappings",
                "sysctl vm.max_map_count=262144")
    }

    private static func openFiles(_ most: Int) -> Diagnosis {
        most >= 8192
            ? ok("open files", "at most \(most == .max ? "unlimited" : Numbers.grouped(most))")
            : advice(
                "open files", "at most \(Numbers.grouped(most)); every connection and every segment is one",
                "LimitNOFILE=65536 in the unit, or ulimit -n 65536 before the server starts")
    }

    private static func hugePages(_ choice: String) -> Diagnosis {
        choice == "never"
            ? advice(
                "huge pages", "transparent huge pages are off: graphs in memory are searched more slowly",
                "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled")
            : ok("huge pages", choice)
    }

    // MARK: Time

    private static func clockSource(_ name: String) -> Diagnosis {
        ["hpet", "acpi_pm", "jiffies", "refined-jiffies"].contains(name)
            ? advice(
                "clock source", "\(name): every look at the clock is a trip into the kernel",
                "see why the kernel gave up a faster one: dmesg | grep -i clocksource")
            : ok("clock source", name)
    }

    /// 2026-01-01: no server is older.
    private static let earliest = 1_767_225_600

    private static func clock(_ now: Int) -> Diagnosis {
        let text = Moment.text(milliseconds: now * 1000)
        return now >= earliest
            ? ok("clock", text)
            : problem(
                "clock", "it is \(text) here: points expire, and are restored to a time, by this clock",
                "set it, and keep it with NTP")
    }

    // MARK: Server

    private static func server(_ server: MachineReadings.Server, _ clientVersion: String) -> [Diagnosis] {
        var found: [Diagnosis] = []
        if server.version == clientVersion {
            found.append(ok("server", "version \(server.version)"))
        } else {
            found.append(
                advice(
                    "server", "version \(server.version), and this command is \(clientVersion)",
                    "install both from one release"))
        }
        if let tier = server.kernelTier, tier == "scalar" {
            found.append(
                advice("kernels", "it uses the scalar kernels", "see what is said of the processor"))
        }
        for line in server.unwell { found.append(problem("collections", line, "needletail health")) }
        return found
    }
}
