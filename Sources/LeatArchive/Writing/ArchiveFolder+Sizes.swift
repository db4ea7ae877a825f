internal import Glibc

extension ArchiveFolder {
    /// What the folder's segments take, and since when they are as they are.
    public func sizes() throws(ArchiveError) -> [Retention.Segment] {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        var found: [Retention.Segment] = []
        for name in try segments() {
            guard let file = try File.openIfPresent(path(of: name)) else { continue }
            let (bytes, written) = try file.lengthAndTime()
            found.append(
                Retention.Segment(
                    name: name, bytes: bytes, age: .seconds(max(0, now.tv_sec - written))))
        }
        return found
    }
}
