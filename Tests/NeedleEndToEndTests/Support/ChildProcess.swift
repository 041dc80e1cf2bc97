// Programs that the tests start. Each is ended by its own pid, also when the test that started it fails, and,
// by a guardian that waits for the end of a pipe, even when the whole test run is killed.

import Glibc
import Synchronization

struct TestFailure: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}

/// How a process ended.
enum Ending: Equatable, Sendable {
    case exited(Int32)
    case signalled(Int32)

    init(status: Int32) {
        let signal = status & 0x7F
        self = signal == 0 ? .exited((status >> 8) & 0xFF) : .signalled(signal)
    }
}

final class ChildProcess: Sendable {
    private struct State {
        var ending: Ending?
        var guardian: (pid: pid_t, pipe: Int32)?
    }

    let pid: pid_t
    private let state: Mutex<State>

    /// Starts a program with standard streams from and to files.
    init(
        _ program: String, _ arguments: [String], environment: [String: String] = [:],
        input: String = "/dev/null", output: String, errors: String
    ) throws {
        pid = try Self.spawn(program, arguments, environment: environment) { actions in
            posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
            posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
            posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        }
        state = Mutex(State(guardian: Self.guardian(of: pid)))
    }

    deinit { end() }

    func send(signal: Int32) {
        state.withLock { state in
            // Under the lock, and not after it was reaped: the number may belong to somebody else by then.
            if state.ending == nil { kill(pid, signal) }
        }
    }

    /// Waits for the end; `nil` when it does not come in time.
    func wait(seconds: Double) -> Ending? {
        let pause: UInt32 = 1_000
        for _ in 0...Int(seconds * 1_000) {
            if let ending = reap(options: WNOHANG) { return ending }
            usleep(pause)
        }
        return nil
    }

    /// Ends it at once, as a crash does.
    @discardableResult
    func end() -> Ending? {
        send(signal: SIGKILL)
        return reap(options: 0)
    }

    private func reap(options: Int32) -> Ending? {
        state.withLock { state in
            if let ending = state.ending { return ending }
            var status: Int32 = 0
            guard waitpid(pid, &status, options) == pid else { return nil }
            state.ending = Ending(status: status)
            if let guardian = state.guardian {
                // A line says that all is well; the end of the pipe without one, that nobody is left to clean
                // up.
                _ = "\n".withCString { write(guardian.pipe, $0, 1) }
                close(guardian.pipe)
                var ignored: Int32 = 0
                waitpid(guardian.pid, &ignored, 0)
                state.guardian = nil
            }
            return state.ending
        }
    }

    private static func guardian(of pid: pid_t) -> (pid: pid_t, pipe: Int32)? {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { return nil }
        defer { close(ends[0]) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let reading = ends[0]
        let guardian = try? spawn("/bin/sh", ["-c", "read line || kill -9 \(pid)"], environment: [:]) {
            actions in
            posix_spawn_file_actions_adddup2(&actions, reading, 0)
            posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
            posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        }
        guard let guardian else {
            close(ends[1])
            return nil
        }
        return (guardian, ends[1])
    }

    /// Keeps the descriptors of tests that run at the same time out of the child: a listening socket that
    /// lives on in there would hold its port.
    private static func closeEverythingElse(_ actions: inout posix_spawn_file_actions_t) {
        // glibc has it since 2.34, behind a macro that Swift does not set; handle 0 is RTLD_DEFAULT.
        typealias CloseFrom =
            @convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, Int32) -> Int32
        guard let symbol = dlsym(nil, "posix_spawn_file_actions_addclosefrom_np") else { return }
        _ = unsafeBitCast(symbol, to: CloseFrom.self)(&actions, 3)
    }

    private static func spawn(
        _ program: String, _ arguments: [String], environment: [String: String],
        _ files: (inout posix_spawn_file_actions_t) -> Void
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        files(&actions)
        closeEverythingElse(&actions)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))

        let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
        let variables = ["PATH": path].merging(environment) { $1 }.map { "\($0)=\($1)" }
        var argv = ([program] + arguments).map { strdup($0) } + [nil]
        var envp = variables.map { strdup($0) } + [nil]
        defer { for text in argv + envp { free(text) } }
        var pid: pid_t = 0
        let result = posix_spawn(&pid, program, &actions, &attributes, &argv, &envp)
        guard result == 0 else {
            throw TestFailure("cannot start \(program): \(String(cString: strerror(result)))")
        }
        return pid
    }
}

/// What a program that ran to its end left.
struct ProgramResult: Sendable {
    var ending: Ending?
    var output: String
    var errors: String

    /// The exit status, -1 when it was ended by a signal or did not end.
    var status: Int32 { if case .exited(let status)? = ending { status } else { -1 } }
}

/// Runs a program to its end, 30 seconds at most.
func runProgram(
    _ program: String, _ arguments: [String], environment: [String: String] = [:], input: String? = nil
) throws -> ProgramResult {
    let folder = try TemporaryFolder()
    let process = try ChildProcess(
        program, arguments, environment: environment,
        input: try input.map { try folder.file("in", $0) } ?? "/dev/null",
        output: folder.path + "/out", errors: folder.path + "/err")
    let ending = process.wait(seconds: 30)
    process.end()
    return ProgramResult(ending: ending, output: folder.text("out"), errors: folder.text("err"))
}
