import Logging
import NeedleCore
import NeedleServer

/// The files behind TLS, and what is known of them while the server runs.
struct Certificates {
    let context: TLSContext
    private let log: Logger

    /// - Returns: `nil` where there is no TLS.
    /// - Throws: `invalid_params` with what is wrong with the files.
    static func open(
        _ configuration: TLSConfiguration, log: Logger
    ) throws(DatabaseError) -> Certificates? {
        guard configuration.listen != nil else { return nil }
        do throws(ConfigurationError) {
            return Certificates(context: try TLSContext(configuration), log: log)
        } catch {
            throw DatabaseError(.invalidParams, error.description, at: "tls")
        }
    }

    /// Reads the files again. A mistake changes nothing.
    func reload() {
        do throws(ConfigurationError) {
            try context.reload()
            log.notice("certificates read again, because of SIGHUP")
        } catch {
            log.error("certificates stay as they were", metadata: ["reason": "\(error)"])
        }
    }
}
