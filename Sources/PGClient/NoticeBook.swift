internal import CLibpq

/// Keeps what a server sends as notices, which libpq would print on standard error.
final class NoticeBook {
    /// A walsender may say the same thing at every transaction.
    private static let most = 32

    private var notices: [ServerError] = []
    /// Whether something was noted since the last ``take()``. Looked at after each row, on the
    /// thread that uses the connection.
    @exclusivity(unchecked) private(set) var isFresh = false

    /// - Parameter connection: Does not outlive this object.
    func collect(from connection: OpaquePointer?) {
        // SAFETY: the session owns both, and closes the connection before this object goes.
        // libpq calls it on the thread that uses the connection.
        PQsetNoticeReceiver(
            connection,
            { book, result in
                guard let book, let result else { return }
                Unmanaged<NoticeBook>.fromOpaque(book).takeUnretainedValue()
                    .add(ServerError(result))
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    func take() -> [ServerError] {
        defer { (notices, isFresh) = ([], false) }
        return notices
    }

    private func add(_ notice: ServerError) {
        guard notices.count < NoticeBook.most, !notices.contains(notice) else { return }
        notices.append(notice)
        isFresh = true
    }
}
