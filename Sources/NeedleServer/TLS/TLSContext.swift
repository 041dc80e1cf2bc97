import NIOSSL
import Synchronization

/// The certificate that connections begin with, and whether they have to bring one. Read again while the server runs:
/// connections that stand keep what they began with. Safe to use from any thread.
package final class TLSContext: Sendable {
    private let files: TLSConfiguration
    private let current: Mutex<NIOSSLContext>

    /// - Throws: what is wrong with the files, with their keys in the configuration.
    package init(_ files: TLSConfiguration) throws(ConfigurationError) {
        self.files = files
        current = Mutex(try Self.context(files))
    }

    /// Reads the files again. With a mistake in one of them everything stays as it was.
    package func reload() throws(ConfigurationError) {
        let context = try Self.context(files)
        current.withLock { $0 = context }
    }

    /// For a connection that begins.
    func handler() -> NIOSSLServerHandler { NIOSSLServerHandler(context: current.withLock { $0 }) }

    private static func context(_ files: TLSConfiguration) throws(ConfigurationError) -> NIOSSLContext {
        let chain = try reading("tls.certificate", files.certificate) {
            try NIOSSLCertificate.fromPEMFile($0)
        }
        let key = try reading("tls.private_key", files.privateKey) {
            try NIOSSLPrivateKey(file: $0, format: .pem)
        }
        var configuration = NIOSSL.TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        if !files.clientAuthorities.isEmpty {
            let authorities = try reading("tls.client_ca", files.clientAuthorities) {
                try NIOSSLCertificate.fromPEMFile($0)
            }
            configuration.trustRoots = .certificates(authorities)
            // Clients have no host name that would be known here.
            configuration.certificateVerification = .noHostnameVerification
        }
        let finished = configuration
        return try reading("tls.private_key", files.privateKey) { _ in
            // Fails when the key is another certificate's.
            try NIOSSLContext(configuration: finished)
        }
    }

    private static func reading<Value>(
        _ key: String, _ path: String, _ body: (String) throws -> Value
    ) throws(ConfigurationError) -> Value {
        guard !path.isEmpty else {
            throw ConfigurationError(problems: [
                .init(place: key, message: "names no file, and tls.listen needs one")
            ])
        }
        do {
            return try body(path)
        } catch {
            throw ConfigurationError(problems: [.init(place: key, message: "\(path): \(error)")])
        }
    }
}
