/// Numbers that a table's columns may have had between two definitions of it.
struct ColumnOrder {
    /// Ascending.
    let all: [Int]
    /// The first place in `all` that may not be left out behind each place, and before all: a
    /// column of both definitions was there all of the time.
    private let next: [Int]

    private let kept: Set<Int>

    /// - Parameter others: That may have been there between.
    init(known: [Int], now: [Int], others: [Int]) {
        self.init(Set(known).union(now).union(others), kept: Set(known).intersection(now))
    }

    private init(_ numbers: Set<Int>, kept: Set<Int>) {
        let all = numbers.sorted()
        var next = [all.count]
        for (place, number) in all.enumerated().reversed() {
            next.append(kept.contains(number) ? place : next[next.count - 1])
        }
        (self.all, self.kept, self.next) = (all, kept, next.reversed())
    }

    func adding(_ others: [Int]) -> ColumnOrder { ColumnOrder(Set(all + others), kept: kept) }

    /// The numbers that each column of a relation can have, in the order of their numbers.
    ///
    /// - Parameter candidates: For each of them.
    /// - Returns: Nil if they fit in no way.
    func places(_ candidates: [[Int]]) -> [[Int]]? {
        guard !candidates.isEmpty else { return next[0] == all.count ? [] : nil }
        let candidates = candidates.map(Set.init)
        // Where each column can be, by those before it.
        var fit: [[Int]] = []
        var starts = marked([follow(nil)])
        for column in candidates {
            let places = all.indices.filter { starts[$0] && column.contains(all[$0]) }
            fit.append(places)
            starts = marked(places.map(follow))
        }
        // And by those behind it.
        for index in fit.indices.reversed() {
            let behind = index + 1 < fit.count ? fit[index + 1] : nil
            fit[index].removeAll { place in
                guard let behind else { return next[place + 1] < all.count }
                let range = follow(place)
                // They ascend.
                return behind.first { $0 >= range.lowerBound }.map { !range.contains($0) } ?? true
            }
            guard !fit[index].isEmpty else { return nil }
        }
        return fit.map { $0.map { all[$0] } }
    }

    private func marked(_ ranges: [Range<Int>]) -> [Bool] {
        var changes = Array(repeating: 0, count: all.count + 1)
        for range in ranges {
            changes[range.lowerBound] += 1
            changes[range.upperBound] -= 1
        }
        var depth = 0
        return all.indices.map { place in
            depth += changes[place]
            return depth > 0
        }
    }

    /// Where the next column can be.
    private func follow(_ place: Int?) -> Range<Int> {
        let first = place.map { $0 + 1 } ?? 0
        return first..<min(all.count, next[first] + 1)
    }
}
