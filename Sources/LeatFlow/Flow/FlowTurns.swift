/// Between the task that takes batches from the channel and the one that applies those that were
/// begun before their turn: one at a time.
struct FlowTurns {
    struct Begun: Sendable {
        let batch: any BegunBatch
        let counts: BatchCounts
    }

    /// The side of the task that begins batches.
    struct Next {
        fileprivate let begun: AsyncStream<Begun>.Continuation
        fileprivate var ended: AsyncStream<Void>.Iterator
        /// Whether a batch has its turn that was not waited for yet.
        private(set) var isGiven = false

        fileprivate init(
            begun: AsyncStream<Begun>.Continuation, ended: AsyncStream<Void>
        ) {
            self.begun = begun
            self.ended = ended.makeAsyncIterator()
        }

        /// Gives a batch its turn, after the one given before has ended.
        mutating func give(_ batch: Begun) async throws {
            try await wait()
            begun.yield(batch)
            isGiven = true
        }

        /// Waits until what was given is applied.
        mutating func wait() async throws {
            guard isGiven else { return }
            // Ends at once where the task is cancelled: the other one has failed.
            _ = await ended.next(isolation: #isolation)
            try Task.checkCancellation()
            isGiven = false
        }

        /// No more follow.
        mutating func finish() async throws {
            try await wait()
            begun.finish()
            try Task.checkCancellation()
        }
    }

    private let begun = AsyncStream<Begun>.makeStream()
    private let ended = AsyncStream<Void>.makeStream()

    /// For one task.
    var next: Next { Next(begun: begun.continuation, ended: ended.stream) }

    /// Applies what the other task gives, until it finishes.
    func run(_ apply: (Begun) async throws -> Void) async throws {
        for await batch in begun.stream {
            try await apply(batch)
            ended.continuation.yield()
        }
    }
}
