import NeedleCore
import NeedleEngine
import NeedleStorage
import SimulationKit

// Collections as a whole, and the aliases that stand for them: what the catalogue holds.

extension World {
    /// Where a collection's files lie.
    func directory(of number: Int) -> String? {
        if let known = directories[number] { return known }
        let path = "db/\(Catalogue.fileName)"
        let entry = disk.content(of: path).flatMap { try? Catalogue(decoding: $0, file: path) }?
            .collections.first { $0.name == Setup.name(of: number) }
        directories[number] = entry.map { "db/collections/\($0.incarnation.hex)" }
        return directories[number]
    }

    func create(_ number: Int) throws {
        guard let database, collections[number].presence == .absent else { return }
        update { $0.beginLife(number, config: number) }
        do {
            let lsn = try database.createCollection(named: Setup.name(of: number), config: config(number))
            guard lsn == .zero else { throw Violation(what: "a new collection begins at LSN \(lsn)") }
            collections[number].presence = .present
            try noteCatalogue()
        } catch let error as DatabaseError {
            try expectFailure(error, "create \(number)")
        }
    }

    func drop(_ number: Int) throws {
        guard let database, collections[number].presence == .present else { return }
        let life = collections[number].life
        let left = try shownAliases().filter { $0.value != number }
        update {
            $0.collections[number].presence = .uncertain
            $0.possibleAliases.append(left)
        }
        scrolls[number] = nil
        directories[number] = nil
        do throws(DatabaseError) {
            try database.dropCollection(named: Setup.name(of: number))
        } catch {
            return try expectFailure(error, "drop \(number)")
        }
        let isArchived = !setup.options.logArchive.isEmpty && !hasHadFaults && !disk.isDown
        update {
            $0.collections[number].presence = .absent
            if isArchived { $0.archived.insert(life) }
        }
        try noteCatalogue(expecting: left)
    }

    // MARK: Aliases

    func setAlias(_ alias: Int, _ number: Int) throws {
        guard let database else { return }
        let wanted = [Alias(name: Setup.name(ofAlias: alias), collection: Setup.name(of: number))]
        switch collections[number].presence {
        case .uncertain: return
        case .absent:
            do throws(DatabaseError) { try database.setAliases(wanted) } catch {
                if error.kind != .notFound { try expectFailure(error, "alias \(alias) \(number)") }
                return
            }
            throw Violation(what: "an alias for collection \(number), which is not there")
        case .present:
            var table = try shownAliases()
            table[alias] = number
            try change(to: table, "alias \(alias) \(number)") { () throws(DatabaseError) in
                try database.setAliases(wanted)
            }
        }
    }

    func deleteAlias(_ alias: Int) throws {
        guard let database else { return }
        var table = try shownAliases()
        guard table.removeValue(forKey: alias) != nil else { return }
        try change(to: table, "delete-alias \(alias)") { () throws(DatabaseError) in
            try database.deleteAliases([Setup.name(ofAlias: alias)])
        }
    }

    private func change(
        to table: [Int: Int], _ what: String, _ body: () throws(DatabaseError) -> Void
    ) throws {
        update { $0.possibleAliases.append(table) }
        do throws(DatabaseError) { try body() } catch { return try expectFailure(error, what) }
        try noteCatalogue(expecting: table)
    }

    /// The catalogue was written: what it says of aliases is durable.
    func noteCatalogue(expecting expected: [Int: Int]? = nil) throws {
        let table = try shownAliases()
        if let expected, table != expected {
            throw Violation(what: "aliases are \(table), not \(expected)")
        }
        update { $0.settleAliases(table) }
    }

    /// What the database says, if it is something that it may say.
    private func shownAliases() throws -> [Int: Int] {
        let found = Dictionary(
            uniqueKeysWithValues: (database?.aliases ?? []).map { ($0.name, $0.collection) })
        let model = model
        let allowed = [model.aliases] + model.possibleAliases
        let table = allowed.first { table in
            found
                == Dictionary(
                    uniqueKeysWithValues: table.map { (Setup.name(ofAlias: $0), Setup.name(of: $1)) })
        }
        guard let table else { throw Violation(what: "aliases are \(found), not one of \(allowed)") }
        return table
    }

    func checkAliases() throws {
        for (alias, number) in try shownAliases() {
            let name = try database?.collection(named: Setup.name(ofAlias: alias)).name
            guard name == Setup.name(of: number) else {
                throw Violation(what: "alias \(alias) leads to \(name ?? "nothing"), not to \(number)")
            }
        }
    }

    func settleAliases() throws {
        try noteCatalogue()
        try checkAliases()
    }
}
