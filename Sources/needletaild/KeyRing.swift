import Glibc
import Logging
import NeedleCore
import NeedleServer

/// The file of API keys, and what is known of it while the server runs.
struct KeyRing {
    let access: AccessControl
    private let file: String
    private let log: Logger

    /// - Parameter file: empty: there are none, and nobody is asked.
    /// - Throws: `invalid_params` with everything that is wrong with the file.
    static func open(_ file: String, clock: any Clock, log: Logger) throws(DatabaseError) -> KeyRing? {
        guard !file.isEmpty else { return nil }
        let keys: [AccessKey]
        do throws(ConfigurationError) {
            keys = try KeyFile.keys(inFile: file)
        } catch {
            throw DatabaseError(.invalidParams, error.description, at: "security.keys")
        }
        let refusals = RefusedLogins(log, clock: clock)
        let access = AccessControl(keys, clock: clock) { refusals.note($0) }
        warnIfOpen(file, log)
        log.info("keys read", metadata: ["file": "\(file)", "keys": "\(keys.count)"])
        return KeyRing(access: access, file: file, log: log)
    }

    /// Whoever can read the file can make tokens of its keys.
    private static func warnIfOpen(_ file: String, _ log: Logger) {
        var status = stat()
        guard stat(file, &status) == 0, status.st_mode & S_IROTH != 0 else { return }
        log.warning(
            "everybody on this machine can read the file of keys, and so make tokens; chmod o= it",
            metadata: ["file": "\(file)"])
    }

    /// Reads the file again. One with a mistake changes nothing.
    func reload() {
        do throws(ConfigurationError) {
            let keys = try KeyFile.keys(inFile: file)
            access.replace(keys)
            log.notice("keys read again, because of SIGHUP", metadata: ["keys": "\(keys.count)"])
        } catch {
            for problem in error.problems {
                log.error("keys stay as they were", metadata: ["reason": "\(problem)"])
            }
        }
    }
}
