package import LeatCore
package import PGClient

// How a replication connection is read: in large pieces, at a pace that spares the source.

extension Session {
    /// The input buffer becomes twice this: some milliseconds of a stream at full speed.
    private static let readBytes = 1 << 20

    /// The first thing a replication connection does: see ``gatherAtSender()``.
    package func prepareReading(clientEncoding: String? = nil) throws {
        if gathering.isAtSender { gatherAtSender() }
        if let clientEncoding {
            try prepare(clientEncoding: clientEncoding)
        } else {
            try prepare()
        }
        try growInputBuffer(for: Session.readBytes)
    }

    /// Reads what the readable socket has, after a nap where that pays.
    package func readStream(at pace: inout ReadPace) throws {
        switch pace.readable(bytes: bytesWaiting) {
        case .read:
            try readStream()
        case .readOn:
            let (_, isAll) = try readLargely()
            pace.readOn(isAll: isAll)
        case .nap(let duration):
            try nap(for: duration)
            let (bytes, isAll) = try readLargely()
            pace.napped(bytes: bytes, isAll: isAll)
        }
    }
}

extension ReadPace {
    /// - Parameter gathering: Decides how long rows may gather before they are read.
    package init(_ gathering: Session.Gathering) {
        switch gathering {
        case .none: self.init(nap: nil)
        case .network: self.init(nap: .milliseconds(2))
        case .withinHost: self.init(nap: .milliseconds(20))
        case .withinHostInRecords: self.init(nap: .milliseconds(5))
        }
    }
}
