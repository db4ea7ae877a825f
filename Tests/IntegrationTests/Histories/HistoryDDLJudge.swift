import LeatTestSupport

/// Compares the tables that are followed: columns by their names, generated ones too.
struct HistoryDDLJudge {
    let pair: Pair
    let publications: [String]
    /// Tables that nobody compares now.
    var ignored: Set<String> = []

    /// - Returns: What differs, in words; empty if nothing does.
    func differences() async throws -> [String] {
        let published = try await publishedTables()
        let followed = try await pair.onTarget(
            "select table_name, state from leat.tables where stream = '\(pair.stream)'")
        let ready = Set(followed.filter { $0[1] == "ready" }.compactMap { $0[0] })
        var found = published.keys.filter { !ready.contains($0) && !ignored.contains($0) }.sorted()
            .map { "\($0) is published, and not followed" }
        for (table, columns) in published.sorted(by: { $0.key < $1.key })
        where ready.contains(table) && !ignored.contains(table) {
            if let text = try await difference(table, columns) { found.append(text) }
        }
        return found
    }

    private func publishedTables() async throws -> [String: [String]] {
        let names = publications.isEmpty ? [pair.objectName] : publications
        let list = names.map { "'\($0)'" }.joined(separator: ", ")
        let rows = try await pair.onSource(
            """
            select c.relname, a.attname from pg_class c
            join pg_attribute a on a.attrelid = c.oid and attnum > 0 and not attisdropped
            where c.oid in (select format('%I.%I', schemaname, tablename)::regclass
              from pg_publication_tables where pubname in (\(list)))
            order by 1, 2
            """)
        var tables: [String: [String]] = [:]
        for row in rows { tables[row[0] ?? "", default: []].append(row[1] ?? "") }
        return tables
    }

    /// A date of the source may still be a time on the target; and a time without a zone, one with
    /// it, in the zone of the sessions here: such a target's column takes every value of the
    /// source's, and a table that was made again is not refused for it.
    private func rows(_ table: String, _ columns: [String]) -> String {
        let values = columns.map { column in
            let text =
                "regexp_replace(\"\(column)\"::text, '^(\\d+-\\d\\d-\\d\\d [\\d:.]+)[+]00$', '\\1')"
            return "regexp_replace(\(text), ' 00:00:00$', '')"
        }
        return "select row(\(values.joined(separator: ", ")))::text as r from \(table)"
    }

    private func difference(_ table: String, _ columns: [String]) async throws -> String? {
        let hash = """
            select count(*), md5(string_agg(r, E'\\n' order by r collate "C"))
            from (\(rows(table, columns))) s
            """
        async let expected = pair.onSource(hash)
        do {
            let found = try await pair.onTarget(hash)
            guard try await found != expected else { return nil }
        } catch {
            return "\(table): \(error)"
        }
        let source = try await pair.onSource(rows(table, columns)).map { $0[0] ?? "" }.sorted()
        let target = try await pair.onTarget(rows(table, columns)).map { $0[0] ?? "" }.sorted()
        let changes = target.difference(from: source)
        let (extra, lost) = (changes.insertions.map(\.element), changes.removals.map(\.element))
        return """
            \(table) (\(columns.joined(separator: ", "))): the target has \(extra.prefix(6)), \
            lacks \(lost.prefix(6))
            """
    }
}

extension CollectionDifference.Change {
    var element: ChangeElement {
        switch self {
        case .insert(_, let element, _), .remove(_, let element, _): element
        }
    }
}
