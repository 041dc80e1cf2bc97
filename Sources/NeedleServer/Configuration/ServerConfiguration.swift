package import NeedleCore
package import NeedleEngine

/// Everything an operator can set, typed. The defaults here are those of `config.example.toml`; a test compares them.
package struct ServerConfiguration: Sendable {
    /// Where to listen for clients.
    package var listen = ListenAddress.standard
    /// Consent to listen where other machines can connect although nobody has to say who they are.
    package var allowRemote = false
    /// The file of API keys; empty: nobody is asked who they are.
    package var keysFile = ""
    /// How long a connection may stay without a login, where keys are asked for.
    package var loginMS = 10_000
    /// Connections that the kernel holds until they are accepted.
    package var backlog = 512
    /// Event-loop threads; 0 = by the number of cores.
    package var ioThreads = 0
    /// Microseconds for which a socket thread that has answered looks for the next request before it sleeps.
    package var pollMicroseconds = 200

    package var tls = TLSConfiguration()
    package var http = HTTPConfiguration()

    /// The data directory.
    package var dataDirectory = "needletail-data"
    package var model = ModelConfiguration()

    /// Threads that run searches and other reads; 0 = as many as cores.
    package var searchThreads = 0
    /// Threads for requests with texts, which mostly wait for the model; 0 = 32.
    package var embeddingThreads = 0
    /// Threads that write logs, each one collection at a time.
    package var writeThreads = 4
    /// Threads for indexing, sealing and merging; 0 = as many as cores.
    package var maintenanceThreads = 0
    /// Requests that may wait for a thread, per pool; more are answered `overloaded`.
    package var queuedRequests = 8192

    /// Memory that sealed segments may take beyond their mappings; 0 = three quarters of what the process may use.
    package var residentBytes = 0
    /// Memory that full segments may take while they wait to be indexed; 0 = a quarter of what the process may use.
    package var backlogBytes = 0
    /// Bytes a second that work on snapshots reads at most; 0 = as fast as it can.
    package var snapshotBytesPerSecond = 268_435_456

    package var logLevel = LogLevel.info
    package var limits = Limits()
    /// What the engine is told; its `limits` and `embedder` are filled in when the database is opened.
    package var engine = EngineOptions()

    package init() {
        // A database alone, as in tests, watches no disk; a server does.
        engine.reserveBytes = 64 << 20
        engine.lowWaterBytes = 1 << 30
    }

    /// What the engine is told, with the limits of this configuration.
    package var engineOptions: EngineOptions {
        var options = engine
        options.limits = limits
        options.residentBytes = residentBytes > 0 ? residentBytes : MachineMemory.bytes / 4 * 3
        options.backlogBytes = backlogBytes > 0 ? backlogBytes : MachineMemory.bytes / 4
        return options
    }
}

/// The protocol under TLS, on a port of its own.
package struct TLSConfiguration: Sendable {
    /// `nil` = there is none.
    package var listen: ListenAddress?
    /// Files in PEM: the chain of certificates, the own one first; its key.
    package var certificate = ""
    package var privateKey = ""
    /// Authorities that a client's certificate has to come from; empty = clients need none.
    package var clientAuthorities = ""

    package init() {}
}

/// The HTTP side: health, metrics, and the protocol for those who have no socket.
package struct HTTPConfiguration: Sendable {
    /// Where it listens; `nil` = there is none.
    package var listen: ListenAddress?
    /// Consent to listen where other machines can connect.
    package var allowRemote = false
    package var connections = 256
    /// How long a request may take from its first byte to its last.
    package var requestMS = 30_000
    /// How long a connection may stay open between two requests.
    package var idleMS = 60_000
    /// Names of this machine, separated by blanks, that may stand in `Host`.
    package var hosts = ""
    /// Origins of other sites, separated by blanks, whose pages may use `/rpc`.
    package var origins = ""
    /// Collections that get series of their own in `/metrics`.
    package var metricsCollections = 100

    package init() {}
}

/// The embedding model, and what stands in front of it.
package struct ModelConfiguration: Sendable {
    /// Empty = the user's cache directory, if the model is there.
    package var directory = ""
    /// `float32` or `int8`.
    package var weights = "float32"
    /// Leading components to keep; 0 = all.
    package var dimensions = 0
    /// Before questions and passages; empty = what the model's own files say.
    package var queryPrefix = ""
    package var passagePrefix = ""
    /// How long texts that came together before wait for each other.
    package var batchWaitMS = 2.0
    /// Bytes of vectors that are kept in memory, and in files; 0 = none.
    package var cacheBytes = 64 << 20
    package var cacheFileBytes = 256 << 20
    /// Directories of further models, separated by colons.
    package var more = ""

    package init() {}
}

/// How much is logged. Raw values are the configuration's words.
package enum LogLevel: String, Sendable, CaseIterable {
    case debug
    case info
    case notice
    case warning
    case error
}
