internal import LeatCore
internal import PGClient

extension SourceConfiguration {
    /// The options that say what is read; a password is left out.
    func words(selecting: Bool = true) -> [String] {
        var words = ["--source", source.printable, "--stream", stream.text]
        for name in publications { words += ["--publication", name] }
        if let slot { words += ["--slot", slot.text] }
        guard selecting else { return words }
        for option in selection.options { words += [option.option, option.pattern.text] }
        return words
    }
}

extension SourceConfiguration {
    /// What there would be to select.
    ///
    /// - Parameter tables: Those of the source, or of the publications.
    func selectionAdvice(among tables: [TableName]) -> String {
        guard !tables.isEmpty else {
            return ownsPublication
                ? "Database \(source["dbname"] ?? "of --source") has no table: check --source."
                : """
                On the source, for the tables that are to be followed: leat publication alter \
                \(ShellText.word(publicationNames[0])) --add-tables '*.*' --source \
                \(ShellText.word(source.printable))
                """
        }
        let names = tables.map(TablePattern.text(of:)).sorted()
        let place = "select schemaname, tablename from pg_catalog.pg_tables order by 1, 2"
        let options = selection.options.map { ShellText.command([$0.option, $0.pattern.text]) }
        return """
            Leave out \(options.joined(separator: " ")), or name one of: \
            \(NameList.text(names, all: place)): --tables \(ShellText.word(names[0]))
            """
    }
}

extension SyncConfiguration {
    /// `leat sync` for this stream, with more options than it was started with, as one types it.
    ///
    /// - Parameter selecting: Whether with the options that select tables.
    func command(_ more: [String] = [], selecting: Bool = true) -> String {
        var words = ["leat", "sync"] + reading.words(selecting: selecting)
        words += ["--target", target.printable]
        words += applying.renames.words + applying.masks.words
        if let spool { words += ["--spool", spool.folder] }
        // A start may need both at once, and says so one after the other.
        if onRewrite == .copy { words += ["--on-rewrite", "copy"] }
        if applying.truncatesTables { words += ["--truncate"] }
        return ShellText.command(words + more)
    }

    /// The same with a publication that an administrator has made.
    @Sendable func commandWith(publication name: String) -> String {
        command(["--publication", name], selecting: false)
    }

    /// `leat cleanup` of this stream, as one types it.
    var cleanupCommand: String {
        ShellText.command([
            "leat", "cleanup", "--source", source.printable, "--target", target.printable,
            "--stream", stream.text,
        ])
    }

    private var source: Conninfo { reading.source }
    private var stream: StreamName { reading.stream }
}
