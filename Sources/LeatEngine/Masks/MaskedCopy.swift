internal import LeatCore
internal import PGWire

/// Masks the rows of a copy on their way: reads them, has them pass the table's row function, and writes
/// them again. In text form, which is the one that masks read.
///
/// A table without masks has none of it: its bytes pass as they come.
struct MaskedCopy {
    private let masks: RowMasks
    private let order: [Int]
    private var decoder: CopyDecoder
    private let buffer = CopyBuffer(isBinary: false)

    /// Rows gather up to this, and are sent then.
    private static let sentBytes = 1 << 16

    /// - Parameter columns: How many each row has.
    init(_ masks: RowMasks, columns: Int) {
        self.masks = masks
        order = Array(0..<columns)
        decoder = CopyDecoder(isBinary: false, columnCount: columns)
    }

    /// What was wrong with the rows: nothing that the target has said.
    enum Failure: Error {
        case rows(CopyRowError)
        case value(RowMasks.Unreadable)
    }

    /// Masks the rows that are whole by now.
    mutating func append(_ chunk: UnsafeRawBufferPointer) throws(Failure) {
        decoder.append(chunk)
        while try next() {
            do throws(RowMasks.Unreadable) {
                try masks.mask(
                    0..<decoder.columns.count, in: &decoder.columns, arena: &decoder.bytes)
            } catch {
                throw .value(error)
            }
            let isWhole = buffer.append(decoder.columns, order: order, arena: decoder.bytes)
            precondition(isWhole, "all values of a row in text form are text")
        }
    }

    private mutating func next() throws(Failure) -> Bool {
        do throws(CopyRowError) { return try decoder.next() } catch { throw .rows(error) }
    }

    /// The copy has ended.
    func finish() throws(Failure) {
        do throws(CopyRowError) { try decoder.finish() } catch { throw .rows(error) }
    }

    /// Hands over what is masked, once it is enough.
    ///
    /// - Parameter isLast: However little it is.
    func send<Other: Error>(
        isLast: Bool = false, _ body: (UnsafeRawBufferPointer) throws(Other) -> Void
    ) throws(Other) {
        guard buffer.count >= (isLast ? 1 : MaskedCopy.sentBytes) else { return }
        try buffer.withBytes(body)
        buffer.removeAll()
    }
}

extension MaskedCopy.Failure {
    /// - Parameter columns: Of the rows, on the source.
    func halt(_ table: TableName, columns: [String]) -> Halt {
        switch self {
        case .rows(let error):
            Halt(
                .source, "The rows of table \(table) cannot be read to be masked: \(error).",
                advice: "Nothing of this table was kept; finished tables stay. Start again.")
        case .value(let error):
            .unreadable(error, of: columns, in: table, at: "Stopped in its copy: ")
        }
    }
}
