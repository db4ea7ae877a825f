public import LeatCore
internal import PGWire

extension ArchiveFolder {
    /// The last transaction that is stored; where there is none, the beginning of the archive. Nil
    /// if it cannot be told.
    ///
    /// Found by the headers of the frames: as a rule it is in the last one, and one is decoded.
    public func lastTransaction() throws(ArchiveError) -> LastTransaction? {
        let position = try storedPosition()
        let names = try segments().filter {
            $0 >= position.beginning && $0 <= position.segment
        }
        for name in names.reversed() {
            for header in try frames(of: name).reversed() {
                let found = try transactions(of: header)
                guard found.count == header.transactions else { return nil }
                // Logical messages outside a transaction have no ID.
                if let last = found.last(where: { $0.xid.rawValue != 0 }) {
                    return LastTransaction(last)
                }
            }
        }
        return LastTransaction(commitLSN: position.beginning.first)
    }

    /// Those of a segment in which a transaction ends.
    private func frames(of segment: SegmentName) throws(ArchiveError) -> [FrameHeader] {
        var reader = try ArchiveReader(self)
        reader.readsHeadersOnly = true
        try reader.seek(after: segment.first)
        var (found, isSegment): ([FrameHeader], Bool) = ([], true)
        while isSegment, let item = try reader.next() {
            switch item {
            case .segment(let header): isSegment = header.name == segment
            case .frame(let frame):
                if frame.header.transactions > 0 { found.append(frame.header) }
            }
        }
        return found
    }

    private func transactions(of header: FrameHeader) throws(ArchiveError) -> [Transaction] {
        var reader = try ArchiveReader(self)
        try reader.seek(after: header.previous.end)
        var decoder = BatchDecoder()
        while let item = try reader.next() {
            guard case .frame(let frame) = item, frame.header.checksum == header.checksum else {
                continue
            }
            return try decoder.batch(of: frame).transactions.filter(\.isComplete)
        }
        return []
    }
}
