package import NeedleCore
import NeedleStorage
import Synchronization

// Moving a collection to another model while it serves. Which collections are on their way stands in the catalogue, whose
// replacement is also the moment of a cutover: names change places in it. Lock order: ddl, then a re-embedding's steps,
// then the writer of the collection that clients see, then the shadow's.

extension Database {
    // MARK: Beginning

    /// Begins to embed the texts of a space with another model.
    ///
    /// - Parameters:
    ///   - given: a name or an alias.
    ///   - using: the space; `nil` for the only one that has a model.
    ///   - model: name or fingerprint.
    /// - Returns: the job that embeds.
    /// - Throws: `not_found`, `invalid_params`, `already_exists` when it is under way already.
    package func startReembedding(
        _ given: String, using: String?, model: String
    ) throws(DatabaseError) -> JobSnapshot {
        let source = try collection(named: given)
        let space = try reembeddableSpace(of: source, using)
        let target = try EmbedderCheck(embedders: embedders).named(model, at: "model").model
        guard target.fingerprint != source.config.spaces[space].modelFingerprint else {
            throw DatabaseError(.invalidParams, "the space has this model already", at: "model", got: model)
        }
        try environment.disk.requireRoomForNewData()
        var config = source.config
        config.spaces[space].size = target.dimensions
        config.spaces[space].model = target.name
        config.spaces[space].modelFingerprint = target.fingerprint
        let record = Catalogue.Reembedding(
            collection: source.name, space: source.config.spaces[space].name)
        let shadow = try createShadow(record, config: config)
        for index in source.fieldIndexes.current { _ = try shadow.createIndex(index.definition) }
        let clock = environment.clock
        let job = source.maintenance.add { number in
            Job(
                id: "\(source.store.incarnation.hex.prefix(8))-\(number)", kind: "reembed",
                collection: record.collection, phase: "embedding", clock: clock
            ) { [weak self] in self?.abandonReembedding(record.collection) }
        }
        follow(record, source: source, shadow: shadow, job: job)
        return job.snapshot()
    }

    private func reembeddableSpace(of source: Collection, _ using: String?) throws(DatabaseError) -> Int {
        let spaces = source.config.spaces
        if let using {
            guard let index = source.config.spaceIndex(named: using), spaces[index].model != nil else {
                throw DatabaseError(
                    .invalidParams, "the collection has no space \"\(using)\" that a model fills", at: "using"
                )
            }
            return index
        }
        let filled = spaces.indices.filter { spaces[$0].model != nil }
        guard filled.count == 1 else {
            throw DatabaseError(
                .invalidParams,
                filled.isEmpty
                    ? "no model fills the collection's space, so it keeps no texts to embed"
                    : "several spaces have a model: say which one",
                at: "using", expected: filled.map { spaces[$0].name }.joined(separator: ", "))
        }
        return filled[0]
    }

    private func createShadow(
        _ record: Catalogue.Reembedding, config: CollectionConfig
    ) throws(DatabaseError) -> Collection {
        let shadow = try ddl.withLock { (catalogue) throws(DatabaseError) in
            guard !catalogue.reembeddings.contains(where: { $0.collection == record.collection }) else {
                throw DatabaseError(
                    .alreadyExists, "the collection is being re-embedded, or can still be rolled back",
                    at: "collection")
            }
            guard catalogue.collections.contains(where: { $0.name == record.collection }) else {
                throw Self.notFound(record.collection)
            }
            let incarnation = try directory.newIncarnation(seed: environment.bootNonce, catalogue)
            let store = CollectionStore(
                directory: directory.collection(incarnation), incarnation: incarnation,
                environment: environment)
            let shadow = try store.create(name: record.shadow, config: config)
            var changed = catalogue
            changed.collections.append(Catalogue.Entry(name: record.shadow, incarnation: incarnation))
            changed.reembeddings.append(record)
            changed.generation += 1
            try directory.write(changed)
            catalogue = changed
            entries.withLock {
                $0[record.shadow] = Entry(incarnation: incarnation, state: .ready(shadow))
            }
            return shadow
        }
        adopt(shadow)
        return shadow
    }

    // MARK: Going on

    /// Goes on where the server ended, once both collections are open.
    func followIfReady(_ name: String) {
        let own = Catalogue.Reembedding.isShadow(name) ? String(name.dropFirst()) : name
        let record = ddl.withLock { $0.reembeddings.first { $0.collection == own } }
        guard let record, reembeddings.withLock({ $0[own] == nil }),
            let source = readyCollection(own), let shadow = readyCollection(record.shadow)
        else { return }
        follow(record, source: source, shadow: shadow, job: nil)
    }

    func readyCollection(_ name: String) -> Collection? {
        guard case .ready(let collection)? = entries.withLock({ $0[name]?.state }) else { return nil }
        return collection
    }

    private func follow(
        _ record: Catalogue.Reembedding, source: Collection, shadow: Collection, job: Job?
    ) {
        guard let space = source.config.spaceIndex(named: record.space) else { return }
        let reembedding = Reembedding(
            source: source, shadow: shadow, space: space, keptUntil: record.keptUntil, job: job,
            share: environment.options.reembedShare, clock: environment.clock)
        reembeddings.withLock { $0[record.collection] = reembedding }
        wake()
    }

    /// One step of one of them.
    ///
    /// - Returns: whether there was something to do.
    func reembeddingStep(_ context: OperationContext) -> Bool {
        let all = reembeddings.withLock { $0 }
        guard !all.isEmpty else { return false }
        let now = environment.clock.wallMilliseconds()
        for (name, reembedding) in all {
            if reembedding.isCutOver, now >= reembedding.keptUntil {
                abandonReembedding(name)
                return true
            }
            if reembedding.step(context) { return true }
        }
        return false
    }

    var reembeddingPause: UInt64? {
        let all = reembeddings.withLock { Array($0.values) }
        let now = environment.clock.wallMilliseconds()
        return all.compactMap { one -> UInt64? in
            let end = one.isCutOver ? UInt64(max(1, one.keptUntil - now)) * 1_000_000 : nil
            return [one.pause, end].compactMap(\.self).min()
        }.min()
    }

    // MARK: Asking

    /// - Throws: `not_found` when the collection is not on its way to another model.
    package func reembeddingStatus(_ given: String) throws(DatabaseError) -> ReembeddingStatus {
        try reembedding(given).status()
    }

    private func reembedding(_ given: String) throws(DatabaseError) -> Reembedding {
        let name = try collection(named: given).name
        if let found = reembeddings.withLock({ $0[name] }) { return found }
        if ddl.withLock({ $0.reembeddings.contains { $0.collection == name } }) {
            throw DatabaseError(
                .loading, "what the collection is re-embedded into is still loading", at: "collection",
                retryAfterMS: 100)
        }
        throw DatabaseError(.notFound, "collection \"\(name)\" is not being re-embedded", at: "collection")
    }

    // MARK: Switching

    /// Shows clients the new vectors from now on: whole, with every acknowledged write. The old ones are kept up to date
    /// for `reembedKeptMS`.
    ///
    /// - Parameter force: although some points have no text, which searches will not find then.
    /// - Throws: `conflict` when it is not ready.
    package func cutOver(
        _ given: String, force: Bool, context: OperationContext
    ) throws(DatabaseError) -> ReembeddingStatus {
        let reembedding = try reembedding(given)
        guard !reembedding.isCutOver else {
            throw DatabaseError(.conflict, "the collection has been cut over already", at: "collection")
        }
        let status = reembedding.status()
        guard status.phase == .ready else {
            throw DatabaseError(
                .conflict, "not all points are embedded yet", at: "collection",
                expected: "\(status.total) points gone through", got: "\(status.done)")
        }
        guard status.withoutText == 0 || force else {
            throw DatabaseError(
                .conflict,
                "\(status.withoutText) points have no text, so searches would not find them any more",
                at: "force",
                expected: "force:true", got: "false")
        }
        let kept = environment.clock.wallMilliseconds() + Int64(environment.options.reembedKeptMS)
        let next = try exchange(reembedding, keptUntil: kept, context)
        return next.status()
    }

    /// Shows clients the old vectors again, with every write since; the new ones are dropped.
    ///
    /// - Throws: `conflict` when it was not cut over.
    package func rollBack(_ given: String, context: OperationContext) throws(DatabaseError) -> LSN {
        let reembedding = try reembedding(given)
        guard reembedding.isCutOver else {
            throw DatabaseError(
                .conflict, "the collection was not cut over: cancel its job to give the re-embedding up",
                at: "collection")
        }
        guard reembedding.hasPassed else {
            throw DatabaseError(
                .conflict, "after a restart the old vectors have to be compared first: try again soon",
                at: "collection")
        }
        let next = try exchange(reembedding, keptUntil: 1, context)
        let lsn = next.source.visibleLSN
        abandonReembedding(next.source.name)
        return lsn
    }

    /// Lets the two collections change names.
    ///
    /// - Returns: the re-embedding in the other direction.
    private func exchange(
        _ reembedding: Reembedding, keptUntil: Int64, _ context: OperationContext
    ) throws(DatabaseError) -> Reembedding {
        let (source, shadow) = (reembedding.source, reembedding.shadow)
        // Most of it while writers go on.
        try reembedding.alone { () throws(DatabaseError) in try reembedding.catchUp(context) }
        return try ddl.withLock { (catalogue) throws(DatabaseError) in
            try reembedding.alone { () throws(DatabaseError) in
                let name = source.name
                var failure: DatabaseError?
                try source.writer.withLock { (writer) throws(DatabaseError) in
                    if let failure = writer.failure ?? writer.log.failure { throw failure }
                    try reembedding.catchUp(context)
                    let now = environment.clock.wallMilliseconds()
                    try shadow.takeOver(from: writer.lsn, writer.opKeys.entries(now: now), now: now)
                    let changed = Self.exchanging(name, in: catalogue, keptUntil: keptUntil)
                    do throws(DatabaseError) {
                        try directory.write(changed)
                    } catch {
                        if directory.stillHas(catalogue) { throw error }
                        failure = error
                    }
                    catalogue = changed
                    source.tell(nil, writer)
                    exchangeNames(source, shadow)
                }
                let record = catalogue.reembeddings.first { $0.collection == name }
                guard let record else { preconditionFailure("the catalogue was just given it") }
                follow(record, source: shadow, shadow: source, job: nil)
                // It is so for this process; the next start reads what the disk has kept.
                if let failure { throw failure }
                guard let next = reembeddings.withLock({ $0[name] }) else {
                    throw DatabaseError(.internal, "the space \"\(record.space)\" is gone")
                }
                return next
            }
        }
    }

    private static func exchanging(_ name: String, in catalogue: Catalogue, keptUntil: Int64) -> Catalogue {
        var changed = catalogue
        let shadowName = Catalogue.Reembedding.shadowName(of: name)
        for index in changed.collections.indices {
            switch changed.collections[index].name {
            case name: changed.collections[index].name = shadowName
            case shadowName: changed.collections[index].name = name
            default: continue
            }
        }
        for index in changed.reembeddings.indices where changed.reembeddings[index].collection == name {
            changed.reembeddings[index].keptUntil = keptUntil
        }
        changed.generation += 1
        return changed
    }

    private func exchangeNames(_ source: Collection, _ shadow: Collection) {
        let (name, shadowName) = (source.name, shadow.name)
        entries.withLock { entries in
            let (first, second) = (entries[name], entries[shadowName])
            entries[name] = second
            entries[shadowName] = first
            source.name = shadowName
            shadow.name = name
        }
    }

    // MARK: Ending

    /// Drops what clients do not see, and nobody follows any more. What fails now is tried at the next start.
    func abandonReembedding(_ name: String) {
        do throws(DatabaseError) {
            let incarnation = try ddl.withLock { (catalogue) throws(DatabaseError) -> Incarnation? in
                let shadowName = Catalogue.Reembedding.shadowName(of: name)
                guard let shadow = catalogue.collections.first(where: { $0.name == shadowName }) else {
                    return nil
                }
                var changed = catalogue
                changed.collections.removeAll { $0.name == shadowName }
                changed.reembeddings.removeAll { $0.collection == name }
                changed.generation += 1
                try environment.disk.usingReserve { () throws(DatabaseError) in try directory.write(changed) }
                catalogue = changed
                return shadow.incarnation
            }
            let reembedding = reembeddings.withLock { $0.removeValue(forKey: name) }
            reembedding?.end()
            reembedding?.job?.end(.cancelled, error: nil)
            let entry = entries.withLock {
                $0.removeValue(forKey: Catalogue.Reembedding.shadowName(of: name))
            }
            if case .ready(let shadow)? = entry?.state { shadow.retire() }
            if let incarnation { try directory.removeCollection(incarnation) }
        } catch {
            return
        }
    }
}

extension Collection {
    /// Goes on behind the writes of a collection whose place this one takes. Durable when it returns.
    fileprivate func takeOver(
        from lsn: LSN, _ answered: [OpKeyWindow.Entry], now: Int64
    ) throws(DatabaseError) {
        try writer.withLock { (writer) throws(DatabaseError) in
            defer { noteStateOfWrites(writer) }
            try writer.takeOver(from: lsn, answered, now: now)
            _ = try writer.log.sync()
            writer.noteSynced()
            publish(writer)
        }
    }
}
