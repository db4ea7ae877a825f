extension CheckedJSON {
    /// Nil if there is no such file in the archive's folder.
    init?(in folder: ArchiveFolder, named name: String) throws(ArchiveError) {
        guard let file = try File.openIfPresent("\(folder.path)/\(name)") else { return nil }
        try self.init(
            decoding: try file.readWhole(most: CheckedJSON.mostBytes), "file \"\(name)\"")
    }

    /// On disk when it returns.
    func write(in folder: ArchiveFolder, named name: String) throws(ArchiveError) {
        try File.replace("\(folder.path)/\(name)", with: encoded())
    }
}
