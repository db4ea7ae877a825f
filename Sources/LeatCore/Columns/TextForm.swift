/// Where the text form of a value is not what it seems: built-in types whose output one server
/// writes and another one reads differently, without a word. Anything that an input function
/// rejects needs no mention here.
enum TextForm {
    /// Types whose input function takes nothing: values are only made inside of the server.
    private static let unwritable: Set<String> = [
        "gtsvector", "pg_node_tree", "pg_ndistinct", "pg_dependencies", "pg_mcv_list",
        "pg_brin_bloom_summary", "pg_brin_minmax_multi_summary",
    ]

    /// - Parameters: Two types of the same name.
    /// - Returns: Why a value could become another one; nil: it does not.
    static func difference(from source: TypeMatch.Side, to target: TypeMatch.Side) -> String? {
        guard target.type.isBuiltIn else { return nil }
        let (from, to) = (source.catalog.server, target.catalog.server)
        switch target.type.name {
        case "char": return singleByte(from: from, to: to)
        case "name": return name(from: from, to: to)
        case let name where unwritable.contains(name): return "no client can write its values"
        default: return nil
        }
    }

    /// `"char"` is one byte. From 15 on one above 127 is written as `\ooo`, of which older servers
    /// take the backslash. Before, it was written as it is and converted with the rest, and of
    /// what it became the first byte is taken.
    private static func singleByte(
        from source: TypeCatalog.Server, to target: TypeCatalog.Server
    ) -> String? {
        guard source.version > 0, target.version > 0 else { return nil }
        if source.version >= 150_000, target.version < 150_000 {
            return "a server before 15 reads a backslash from bytes above 127 of a newer one"
        }
        guard source.version < 150_000,
            TransferEncoding.converts(from: source.encoding, to: target.encoding)
        else { return nil }
        return "bytes above 127 become others in encoding \(target.encoding)"
    }

    /// `name` holds 63 bytes and cuts what is longer.
    private static func name(
        from source: TypeCatalog.Server, to target: TypeCatalog.Server
    ) -> String? {
        TransferEncoding.converts(from: source.encoding, to: target.encoding)
            && TransferEncoding.isMultibyte(target.encoding)
            ? "values may be longer in encoding \(target.encoding), and would be cut" : nil
    }
}
