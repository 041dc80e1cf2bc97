import NeedleCore

/// One thing that can be set: its name in the file, what it takes, and where it goes.
///
/// The whole configuration is this table (`ConfigurationKey.all`): reading the file, reading the environment and
/// the check that `config.example.toml` is complete all walk over it.
package struct ConfigurationKey: Sendable {
    /// A typed place in `ServerConfiguration`, and the values it takes.
    package enum Place: Sendable {
        case integer(any WritableKeyPath<ServerConfiguration, Int> & Sendable, ClosedRange<Int>)
        case fraction(any WritableKeyPath<ServerConfiguration, Double> & Sendable, ClosedRange<Double>)
        case flag(any WritableKeyPath<ServerConfiguration, Bool> & Sendable)
        case text(any WritableKeyPath<ServerConfiguration, String> & Sendable)
        /// One of a few words.
        case choice(any WritableKeyPath<ServerConfiguration, String> & Sendable, [String])
        case address(any WritableKeyPath<ServerConfiguration, ListenAddress> & Sendable)
        /// An address, or nothing.
        case optionalAddress(any WritableKeyPath<ServerConfiguration, ListenAddress?> & Sendable)
        case level(any WritableKeyPath<ServerConfiguration, LogLevel> & Sendable)
    }

    /// The table in the file.
    package let section: String
    package let name: String
    package let place: Place

    /// `limits.line_bytes`
    package var path: String { "\(section).\(name)" }
    /// `NEEDLETAIL_LIMITS_LINE_BYTES`
    package var environmentName: String { "NEEDLETAIL_\(section)_\(name)".uppercased() }

    init(_ section: String, _ name: String, _ place: Place) {
        self.section = section
        self.name = name
        self.place = place
    }

    /// What a value must be, in words for an error message.
    package var expectation: String {
        switch place {
        case .integer(_, let range): "an integer from \(range.lowerBound) to \(range.upperBound)"
        case .fraction(_, let range): "a number from \(range.lowerBound) to \(range.upperBound)"
        case .flag: "true or false"
        case .text: "a string"
        case .choice(_, let words): "one of " + words.map { "\"\($0)\"" }.joined(separator: ", ")
        case .address: "an address such as \"127.0.0.1:7700\" or \"[::1]:7700\""
        case .optionalAddress: "an address such as \"127.0.0.1:7780\", or \"\" for none"
        case .level: "one of " + LogLevel.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
        }
    }

    /// The value as it is written in the file.
    package func text(in configuration: ServerConfiguration) -> String {
        switch place {
        case .integer(let path, _): String(configuration[keyPath: path])
        case .fraction(let path, _): String(configuration[keyPath: path])
        case .flag(let path): String(configuration[keyPath: path])
        case .text(let path): "\"\(configuration[keyPath: path])\""
        case .choice(let path, _): "\"\(configuration[keyPath: path])\""
        case .address(let path): "\"\(configuration[keyPath: path])\""
        case .optionalAddress(let path): "\"\(configuration[keyPath: path]?.description ?? "")\""
        case .level(let path): "\"\(configuration[keyPath: path].rawValue)\""
        }
    }
}

/// A value as one of the three sources gives it.
enum ConfigurationValue: Equatable {
    case integer(Int)
    case fraction(Double)
    case flag(Bool)
    case text(String)
    /// Something no key takes, in words: "a date", "an array".
    case other(String)

    var shown: String {
        switch self {
        case .integer(let value): String(value)
        case .fraction(let value): String(value)
        case .flag(let value): String(value)
        case .text(let value): "\"\(value)\""
        case .other(let what): what
        }
    }

    /// An environment variable or a flag is text; what it means depends on the key.
    static func reading(_ text: String, for key: ConfigurationKey) -> ConfigurationValue {
        switch key.place {
        case .integer: Int(text).map { .integer($0) } ?? .text(text)
        case .fraction: Double(text).map { .fraction($0) } ?? .text(text)
        case .flag: text == "true" ? .flag(true) : text == "false" ? .flag(false) : .text(text)
        case .text, .choice, .address, .optionalAddress, .level: .text(text)
        }
    }
}

extension ConfigurationKey {
    /// Puts a value in its place; false when the key does not take it.
    func set(_ value: ConfigurationValue, in configuration: inout ServerConfiguration) -> Bool {
        switch (place, value) {
        case (.integer(let path, let range), .integer(let number)):
            guard range.contains(number) else { return false }
            configuration[keyPath: path] = number
        case (.fraction(let path, let range), .fraction(let number)):
            guard range.contains(number) else { return false }
            configuration[keyPath: path] = number
        case (.fraction(let path, let range), .integer(let number)):
            guard range.contains(Double(number)) else { return false }
            configuration[keyPath: path] = Double(number)
        case (.flag(let path), .flag(let flag)):
            configuration[keyPath: path] = flag
        case (.text(let path), .text(let text)):
            configuration[keyPath: path] = text
        case (.choice(let path, let words), .text(let text)):
            guard words.contains(text) else { return false }
            configuration[keyPath: path] = text
        case (.address(let path), .text(let text)):
            guard let address = ListenAddress(text) else { return false }
            configuration[keyPath: path] = address
        case (.optionalAddress(let path), .text(let text)):
            let address = ListenAddress(text)
            guard text.isEmpty || address != nil else { return false }
            configuration[keyPath: path] = address
        case (.level(let path), .text(let text)):
            guard let level = LogLevel(rawValue: text) else { return false }
            configuration[keyPath: path] = level
        default:
            return false
        }
        return true
    }
}
