import Glibc
import Logging
import NeedleCore
import NeedleEmbedding
import NeedleEngine
import NeedleServer
import NeedleStorage

/// One life of the server, from opening the data directory to closing it.
struct ServerProcess {
    let configuration: ServerConfiguration
    let environment: [String: String]
    private let log: Logger

    init(configuration: ServerConfiguration, environment: [String: String]) {
        self.configuration = configuration
        self.environment = environment
        let level = Logger.Level(rawValue: configuration.logLevel.rawValue) ?? .info
        log = Logger(label: "needletaild") { _ in LineLog(level: level) }
    }

    /// - Returns: the exit status.
    func run(warnAbout unknownVariables: [String]) -> Int32 {
        // Before any thread begins, so that all inherit the mask and only `AwaitedSignals` takes them.
        AwaitedSignals.block()
        ProcessSettings.ignoreBrokenPipes()
        ProcessSettings.returnLargeBuffers()
        for name in unknownVariables {
            log.warning("an environment variable that means nothing here", metadata: ["name": "\(name)"])
        }
        do throws(DatabaseError) {
            try serve()
            return 0
        } catch {
            log.critical(
                "the server cannot start",
                metadata: ["reason": "\(error.message)", "at": "\(error.at ?? "")"])
            return 1
        }
    }

    private func serve() throws(DatabaseError) {
        let files = ProcessSettings.raiseFileLimit()
        let connections = availableConnections(files)
        let clock = SystemClock()
        var options = configuration.engineOptions
        options.embedders = Embedders(try chooseModels(clock: clock))
        let database = try openDatabase(clock: clock, options: options)
        let server: Server
        let keys: KeyRing?
        let certificates: Certificates?
        do throws(DatabaseError) {
            keys = try KeyRing.open(configuration.keysFile, clock: clock, log: log)
            certificates = try Certificates.open(configuration.tls, log: log)
            server = try Server.start(
                database: database, configuration: configuration, clock: clock, log: log,
                maximumConnections: connections, access: keys?.access, tls: certificates?.context)
        } catch {
            database.close()
            throw error
        }
        let notice = ServiceNotice(environment: environment)
        StandardStreams.output("listening on \(server.address)")
        if let address = server.tlsAddress { StandardStreams.output("tls on \(address)") }
        if let address = server.httpAddress { StandardStreams.output("http on \(address)") }
        notice.ready("listening on \(server.address), loading collections")
        log.info(
            "listening",
            metadata: [
                "address": "\(server.address)", "version": "\(needletailVersion)",
                "data": "\(configuration.dataDirectory)",
                "http": "\(server.httpAddress?.description ?? "off")",
            ])
        let loading = BackgroundThread.start { [log] in
            server.loadCollections()
            notice.say("listening on \(server.address)")
            Self.report(database.summaries(), log)
        }
        let signal = AwaitedSignals.waitForEnd {
            let jobs = database.scrub()
            log.notice("scrubbing, because of SIGUSR1", metadata: ["collections": "\(jobs.count)"])
        } onReload: {
            keys?.reload()
            certificates?.reload()
        }
        AwaitedSignals.restoreDefaults()
        notice.stopping("answering what was accepted")
        log.notice("stopping: answering what was accepted", metadata: ["signal": "\(signal)"])
        let isComplete = server.stop()
        if loading.isDone { loading.join() }
        guard loading.isDone else {
            // Nothing was written that would need closing, and recovery can be repeated at any time.
            log.notice("stopped while collections were still loading")
            _exit(0)
        }
        database.close()
        log.notice("stopped", metadata: ["all_answered": "\(isComplete)"])
    }

    /// Opens the data directory; waits a little for its lock, which a process that was just killed may still hold.
    private func openDatabase(clock: any Clock, options: EngineOptions) throws(DatabaseError) -> Database {
        let patience = clock.monotonicNanoseconds() + 2_000_000_000
        while true {
            do throws(DatabaseError) {
                return try Database.open(
                    directory: configuration.dataDirectory, fileSystem: PosixFileSystem(), clock: clock,
                    options: options)
            } catch  where error.kind == .conflict && clock.monotonicNanoseconds() < patience {
                usleep(20_000)
            }
        }
    }

    private static func report(_ collections: [CollectionSummary], _ log: Logger) {
        let points = collections.reduce(0) { $0 + $1.points }
        log.info("loaded", metadata: ["collections": "\(collections.count)", "points": "\(points)"])
    }

    /// Files that are not sockets need room too: segments, logs, event loops.
    private func availableConnections(_ files: Int) -> Int {
        let available = max(16, files - 512)
        if available < configuration.limits.connections {
            log.warning(
                "the process may open fewer files than server.connections needs; raise the limit (ulimit -n)",
                metadata: ["files": "\(files)", "connections": "\(available)"])
        }
        return available
    }

    // MARK: The model

    /// The first is the one that is configured, or the one in the cache directory if it is there.
    ///
    /// Files are looked for now, and read in the background: requests that need a model wait for that.
    private func chooseModels(clock: any Clock) throws(DatabaseError) -> [any TextEmbedder] {
        var models: [any TextEmbedder] = []
        if let first = try chooseModel(clock: clock) { models.append(first) }
        for directory in configuration.model.more.split(separator: ":").map(String.init) {
            guard access("\(directory)/model.safetensors", R_OK) == 0 else {
                throw DatabaseError(.notFound, "there is no model in \(directory)", at: "model.more")
            }
            // What is said of the first model's vectors is not said of these; and the cache's files are the first one's.
            var settings = configuration.model
            (settings.queryPrefix, settings.passagePrefix, settings.dimensions) = ("", "", 0)
            settings.cacheFileBytes = 0
            models.append(model(in: directory, settings, clock: clock))
        }
        return models
    }

    private func chooseModel(clock: any Clock) throws(DatabaseError) -> (any TextEmbedder)? {
        let configured = configuration.model.directory
        let directory =
            configured.isEmpty ? LocalModel.defaultDirectory(environment: environment) : configured
        guard access("\(directory)/model.safetensors", R_OK) == 0 else {
            guard configured.isEmpty else {
                throw DatabaseError(
                    .notFound,
                    "there is no model in \(directory): run scripts/fetch-model, or correct --model",
                    at: "model.directory")
            }
            log.warning(
                "no embedding model: requests with text are refused; run scripts/fetch-model and start again",
                metadata: ["looked_in": "\(directory)"])
            return nil
        }
        return model(in: directory, configuration.model, clock: clock)
    }

    private func model(
        in directory: String, _ settings: ModelConfiguration, clock: any Clock
    ) -> any TextEmbedder {
        let data = configuration.dataDirectory
        return BackgroundModel(name: directory, log: log) { () throws(DatabaseError) in
            try Self.load(directory, settings, dataDirectory: data, clock: clock)
        }
    }

    /// The model, in front of it the desk where texts of many requests come together, in front of that the cache.
    private static func load(
        _ directory: String, _ settings: ModelConfiguration, dataDirectory: String, clock: any Clock
    ) throws(DatabaseError) -> any TextEmbedder {
        func unlessEmpty(_ text: String) -> String? { text.isEmpty ? nil : text }
        let model = try LocalModel(
            directory: directory,
            options: LocalModel.Options(
                queryPrefix: unlessEmpty(settings.queryPrefix),
                passagePrefix: unlessEmpty(settings.passagePrefix),
                dimensions: settings.dimensions > 0 ? settings.dimensions : nil,
                precision: WeightPrecision(rawValue: settings.weights) ?? .float32))
        let batching = BatchingEmbedder(
            model, clock: clock, waitNanoseconds: UInt64(settings.batchWaitMS * 1e6),
            // More cores than a piece can use are better used by a second one.
            computing: max(1, WorkerPool.processors / 8))
        guard settings.cacheBytes > 0 || settings.cacheFileBytes > 0 else { return batching }
        let files = CachingEmbedder.Files(
            fileSystem: PosixFileSystem(), directory: "\(dataDirectory)/embeddings",
            limit: settings.cacheFileBytes)
        return CachingEmbedder(
            batching, memoryLimit: settings.cacheBytes, files: settings.cacheFileBytes > 0 ? files : nil)
    }
}
