public import PGWire

extension LSN {
    /// Bytes of WAL from here to `end`; none if that is not behind it.
    public func distance(to end: LSN) -> Int {
        end > self ? Int(clamping: end.rawValue - rawValue) : 0
    }
}
