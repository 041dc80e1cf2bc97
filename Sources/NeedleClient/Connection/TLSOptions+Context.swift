// From files to what NIOSSL wants.

import Glibc
import NIOSSL

extension TLSOptions {
    /// - Throws: ``NeedletailError`` of kind `invalidArgument` that names the file that is wrong.
    func context() throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        if let certificateAuthorities {
            configuration.trustRoots = .certificates(
                try reading(certificateAuthorities) { try NIOSSLCertificate.fromPEMFile($0) })
        }
        if let certificate {
            configuration.certificateChain = try reading(certificate) {
                try NIOSSLCertificate.fromPEMFile($0).map { .certificate($0) }
            }
            configuration.privateKey = try reading(privateKey ?? certificate) {
                .privateKey(try NIOSSLPrivateKey(file: $0, format: .pem))
            }
        }
        let finished = configuration
        return try reading(privateKey ?? certificate ?? "TLS") { _ in
            try NIOSSLContext(configuration: finished)
        }
    }

    private func reading<Value>(_ path: String, _ body: (String) throws -> Value) throws -> Value {
        do {
            return try body(path)
        } catch {
            throw NeedletailError(.invalidArgument, "\(path): \(error)", at: "tls")
        }
    }
}

extension ServerAddress {
    /// What the certificate has to be for; `nil` for an address, which is compared with that of the connection.
    var nameToCheck: String? {
        var (four, six) = (in_addr(), in6_addr())
        let isAddress = inet_pton(AF_INET, host, &four) == 1 || inet_pton(AF_INET6, host, &six) == 1
        return isAddress ? nil : host
    }
}
