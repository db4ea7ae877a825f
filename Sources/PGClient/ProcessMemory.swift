internal import CLibpq

/// How this process deals with its memory.
public enum ProcessMemory {
    /// Batches of some MiB come and go, made on one thread and freed on another: kept in the heaps
    /// of both they would take several times what is in use. Given back, they cost some page
    /// faults, 30 ns a row.
    public static func returnLargeAllocations() {
        leat_return_large_allocations()
    }
}
