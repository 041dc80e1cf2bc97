import NeedleCore

/// Which of the formats a file has, by its first bytes.
enum FileKindOfOurs: String {
    case log = "NTLOG"
    case segment = "NTSEG"
    case deletions = "NTDEL"
    case probes = "NTPRB"
    case archive = "NTARC"
    case recall = "NTRCL"
    case quality = "NTQLY"
    case manifest = "needletail-manifest"
    case catalogue = "needletail-catalogue"
    case snapshot = "needletail-snapshot"

    var name: String {
        switch self {
        case .log: "log file"
        case .segment: "segment"
        case .deletions: "deletions"
        case .probes: "probes"
        case .archive: "archive"
        case .recall: "recall"
        case .quality: "quality"
        case .manifest: "manifest"
        case .catalogue: "catalogue"
        case .snapshot: "snapshot's manifest"
        }
    }

    /// - Throws: `invalid_params` for anything else.
    init(of path: String, _ fileSystem: any FileSystem) throws(DatabaseError) {
        let file = try fileSystem.openForReading(path)
        defer { file.close() }
        let head = try file.readExactly(min(32, try file.size()), at: 0)
        let magic = String(decoding: head.prefix(5), as: UTF8.self)
        let word = String(decoding: head.prefix { $0 != 32 }, as: UTF8.self)
        guard let kind = FileKindOfOurs(rawValue: magic) ?? FileKindOfOurs(rawValue: word) else {
            throw DatabaseError(
                .invalidParams, "\(path): no file of a Needletail server, or its first bytes are damaged")
        }
        self = kind
    }
}
