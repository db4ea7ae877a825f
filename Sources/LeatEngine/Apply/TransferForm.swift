internal import LeatCore
internal import LeatFlow
internal import Synchronization

/// In which form values travel: binary where every column's type has one that means the same on
/// both servers, else text.
///
/// A column that joins while the stream flows may rule binary form out. With `auto` the run then
/// begins again in text form, and the process stays with it: what the source has still to send may
/// hold that column even if it is gone from the table by now.
final class TransferForm: Sendable {
    let wanted: SyncConfiguration.Binary
    private let isRuledOut: Atomic<Bool>

    /// - Parameter readsValues: Keys are to be read by people, in messages or in `leat.conflicts`, or
    ///   values by masks: with `auto` they come as text then.
    init(_ wanted: SyncConfiguration.Binary, readsValues: Bool = false) {
        self.wanted = wanted
        isRuledOut = Atomic(wanted == .auto && readsValues)
    }

    var mayBeBinary: Bool { wanted != .off && !isRuledOut.load(ordering: .acquiring) }

    /// - Parameter unsafe: Columns that came in binary form and must not; none of them was applied.
    /// - Returns: What begins the run again, or ends it.
    func rule(out unsafe: [String]) -> any Error {
        let columns = unsafe.joined(separator: ", ")
        guard wanted == .auto else {
            return Halt(
                .stoppedOnChange, "Binary form is not safe for: \(columns).",
                advice: """
                    The table has changed since the start. Start again with --binary auto (the \
                    default), or off.
                    """)
        }
        isRuledOut.store(true, ordering: .releasing)
        return Restart(
            reason: """
                A table has changed, and binary form is not safe for \(columns). The stream goes \
                on in text form
                """)
    }
}
