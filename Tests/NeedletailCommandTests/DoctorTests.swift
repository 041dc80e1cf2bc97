import Foundation
import NeedletailCommand
import Testing

@Suite("Doctor: what readings of a machine mean")
struct DoctorTests {
    /// A machine about which there is nothing to say.
    private static func fit() -> MachineReadings {
        var readings = MachineReadings()
        readings.release = "6.1.0-18-amd64"
        readings.instructions = ["fpu", "avx2", "fma", "sse4_2"]
        readings.memoryBytes = 16 << 30
        readings.overcommit = 0
        readings.mappings = 65_530
        readings.openFiles = 1 << 20
        readings.hugePages = "madvise"
        readings.clockSource = "tsc"
        readings.now = 1_795_323_600
        readings.disk = MachineReadings.Disk(
            path: "/var/lib/needletail", existing: "/var/lib/needletail", isWritable: true,
            fileSystem: "ext4", freeBytes: 200 << 30, totalBytes: 400 << 30, syncMicroseconds: 950)
        readings.server = MachineReadings.Server(version: "1.2.3", kernelTier: "avx2")
        return readings
    }

    private func findings(_ change: (inout MachineReadings) -> Void = { _ in }) -> [Diagnosis] {
        var readings = Self.fit()
        change(&readings)
        return Diagnosis.all(readings, clientVersion: "1.2.3")
    }

    @Test("Of a fit machine everything is ok, and no remedy is given")
    func fit() {
        let found = findings()
        #expect(found.allSatisfy { $0.level == .ok && $0.remedy == nil }, "\(found)")
        #expect(
            found.map(\.subject) == [
                "kernel", "processor", "memory", "overcommit", "mappings", "open files", "huge pages",
                "clock source", "clock", "data", "file system", "space", "sync", "server",
            ])
    }

    @Test("What the machine does not say is left out")
    func silent() {
        #expect(Diagnosis.all(MachineReadings(), clientVersion: "1.2.3").isEmpty)
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var subject: String
        var level: Diagnosis.Level
        var change: @Sendable (inout MachineReadings) -> Void
        var testDescription: String { "\(subject) \(level)" }
    }

    static let cases: [Case] = [
        Case(subject: "processor", level: .advice) { $0.instructions = ["fpu", "sse4_2", "avx2"] },
        Case(subject: "processor", level: .advice) { $0.instructions = ["asimd"] },
        Case(subject: "memory", level: .advice) { $0.memoryBytes = 512 << 20 },
        Case(subject: "overcommit", level: .problem) { $0.overcommit = 2 },
        Case(subject: "mappings", level: .advice) { $0.mappings = 1024 },
        Case(subject: "open files", level: .advice) { $0.openFiles = 1024 },
        Case(subject: "huge pages", level: .advice) { $0.hugePages = "never" },
        Case(subject: "clock source", level: .advice) { $0.clockSource = "hpet" },
        Case(subject: "clock", level: .problem) { $0.now = 86_400 },
        Case(subject: "data", level: .problem) { $0.disk?.isWritable = false },
        Case(subject: "file system", level: .problem) { $0.disk?.fileSystem = "tmpfs" },
        Case(subject: "file system", level: .advice) { $0.disk?.fileSystem = "nfs4" },
        Case(subject: "file system", level: .advice) { $0.disk?.fileSystem = "fuse.sshfs" },
        Case(subject: "file system", level: .advice) { $0.disk?.fileSystem = "overlay" },
        Case(subject: "space", level: .problem) { $0.disk?.freeBytes = (1 << 30) - 1 },
        Case(subject: "space", level: .advice) { $0.disk?.freeBytes = 30 << 30 },
        Case(subject: "sync", level: .advice) { $0.disk?.syncMicroseconds = 35_000 },
        Case(subject: "server", level: .advice) { $0.server?.version = "1.2.2" },
        Case(subject: "kernels", level: .advice) { $0.server?.kernelTier = "scalar" },
        Case(subject: "collections", level: .problem) { $0.server?.unwell = ["docs is quarantined: x"] },
    ]

    @Test(
        "One thing that is not as it should be is found, with what to do, and nothing else", arguments: cases)
    func unfit(_ one: Case) throws {
        let found = findings(one.change).filter { $0.level != .ok }
        #expect(found.map(\.subject) == [one.subject])
        #expect(found.first?.level == one.level)
        #expect(found.first?.remedy?.isEmpty == false)
    }

    @Test("Newer and other processors are told apart")
    func processors() throws {
        func processor(_ instructions: Set<String>) throws -> String {
            try #require(findings { $0.instructions = instructions }.first { $0.subject == "processor" }).what
        }
        #expect(try processor(["avx2", "fma", "avx512f", "avx512bw", "avx512_vnni"]) == "AVX-512 with VNNI")
        #expect(try processor(["asimd", "asimddp"]) == "NEON with dot products")
    }

    @Test("A directory that is not there yet will be made")
    func newDirectory() throws {
        let found = findings { $0.disk?.existing = "/var/lib" }
        let data = try #require(found.first { $0.subject == "data" })
        #expect(data.level == .ok && data.what == "/var/lib/needletail will be made in /var/lib")
    }

    @Test("The kernel's files are read as they are written")
    func files() {
        let x86 = "processor\t: 0\nvendor_id\t: AuthenticAMD\nflags\t\t: fpu vme avx2 fma\nprocessor\t: 1\n"
        #expect(MachineProbe.instructions(x86) == ["fpu", "vme", "avx2", "fma"])
        #expect(
            MachineProbe.instructions("processor : 0\nFeatures\t: fp asimd asimddp\n") == [
                "fp", "asimd", "asimddp",
            ])
        #expect(MachineProbe.instructions("processor : 0\n") == nil)
        #expect(MachineProbe.chosen("always [madvise] never") == "madvise")
        #expect(MachineProbe.chosen("nothing") == nil)
        #expect(MachineProbe.chosen("]wrong[") == nil)
        let mounts = """
            22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
            30 22 0:25 / /mnt/a\\040b rw shared:2 master:1 - xfs /dev/vdb rw
            31 22 0:26 / /mnt rw - tmpfs tmpfs rw
            32 22 0:27 / /mnt rw - btrfs /dev/vdc rw
            """
        #expect(MachineProbe.fileSystem(of: "/var/lib", mounts: mounts) == "ext4")
        #expect(MachineProbe.fileSystem(of: "/mnt/a b/data", mounts: mounts) == "xfs")
        #expect(MachineProbe.fileSystem(of: "/mnt", mounts: mounts) == "btrfs")
        #expect(MachineProbe.fileSystem(of: "/mntx", mounts: mounts) == "ext4")
        #expect(MachineProbe.fileSystem(of: "/", mounts: "") == nil)
    }

    @Test("This machine says something of itself, and nothing is left in the directory that was looked at")
    func here() throws {
        let folder = try Folder(["a.md": "a"])
        let readings = MachineProbe.readings(dataDirectory: folder.path + "/data/below")
        #expect((readings.memoryBytes ?? 0) > 1 << 20)
        #expect(readings.instructions?.isEmpty == false)
        #expect((readings.openFiles ?? 0) > 0)
        let disk = try #require(readings.disk)
        #expect(disk.existing == folder.path && disk.isWritable)
        #expect(disk.freeBytes > 0 && disk.freeBytes <= disk.totalBytes)
        #expect((disk.syncMicroseconds ?? 0) > 0)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["a.md"])
    }
}
