package import NeedleCore
import NeedleStorage
import Synchronization

extension Database {
    /// The name of the collection that a name or alias stands for; a name that is neither stays as it is.
    package func resolved(_ name: String) -> String {
        aliasTable.withLock { $0[name] } ?? name
    }

    /// All aliases, by name.
    package var aliases: [Alias] {
        aliasTable.withLock { $0.map { Alias(name: $0.key, collection: $0.value) } }.sorted {
            $0.name < $1.name
        }
    }

    /// Sets aliases, all at once: no request sees some of them changed and others not. Durable when it returns.
    ///
    /// - Throws: `not_found` for a collection that does not exist, `already_exists` for the name of a collection,
    ///   `limit_exceeded`; then nothing has changed.
    package func setAliases(_ wanted: [Alias]) throws(DatabaseError) {
        try changeAliases { (catalogue) throws(DatabaseError) in
            for alias in wanted {
                let place = "aliases.\(alias.name)"
                guard catalogue.collections.contains(where: { $0.name == alias.collection }) else {
                    throw DatabaseError(
                        .notFound, "collection \"\(alias.collection)\" does not exist", at: place)
                }
                guard catalogue.collections.allSatisfy({ $0.name != alias.name }) else {
                    throw DatabaseError(.alreadyExists, "there is a collection \"\(alias.name)\"", at: place)
                }
                catalogue.aliases.removeAll { $0.alias == alias.name }
                catalogue.aliases.append(Catalogue.Alias(alias: alias.name, collection: alias.collection))
            }
            guard catalogue.aliases.count <= limits.collections else {
                throw DatabaseError(
                    .limitExceeded, "more than \(limits.collections) aliases", at: "aliases",
                    expected: "at most \(limits.collections)", got: "\(catalogue.aliases.count)")
            }
        }
    }

    /// Removes aliases, all at once. Durable when it returns.
    ///
    /// - Throws: `not_found` for one that does not exist; then nothing has changed.
    package func deleteAliases(_ names: [String]) throws(DatabaseError) {
        try changeAliases { (catalogue) throws(DatabaseError) in
            let known = Set(catalogue.aliases.map(\.alias))
            for (index, name) in names.enumerated() where !known.contains(name) {
                throw DatabaseError(.notFound, "alias \"\(name)\" does not exist", at: "aliases[\(index)]")
            }
            catalogue.aliases.removeAll { names.contains($0.alias) }
        }
    }

    private func changeAliases(
        _ change: (inout Catalogue) throws(DatabaseError) -> Void
    ) throws(DatabaseError) {
        try ddl.withLock { (catalogue) throws(DatabaseError) in
            var changed = catalogue
            try change(&changed)
            guard changed.aliases != catalogue.aliases else { return }
            changed.generation += 1
            try directory.write(changed)
            catalogue = changed
            publishAliases(changed)
        }
    }

    /// Called under `ddl`, after the catalogue was written.
    func publishAliases(_ catalogue: Catalogue) {
        let table = Dictionary(catalogue.aliases.map { ($0.alias, $0.collection) }, uniquingKeysWith: { $1 })
        aliasTable.withLock { $0 = table }
    }
}
