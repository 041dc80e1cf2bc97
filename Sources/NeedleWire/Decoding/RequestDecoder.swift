package import NeedleCore

/// Decodes lines. A value without state: use one from any number of threads.
package struct RequestDecoder: Sendable {
    package let limits: Limits

    package init(limits: Limits) {
        self.limits = limits
    }

    /// Decodes one line (without its newline). Never throws and never traps, whatever the bytes are.
    package func decode(_ line: [UInt8]) -> IncomingLine {
        .nothing
    }
}
