/// Puts renames into an order in which each new name is free when its turn comes.
enum NameRing {
    struct Rename: Sendable, Equatable {
        var from: String
        var to: String
    }

    /// - Parameter aside: A name that nothing has, for one of each ring of names.
    static func ordered(_ renames: [Rename], aside: (Int) -> String) -> [Rename] {
        var left = renames
        var result: [Rename] = []
        while !left.isEmpty {
            if let next = left.firstIndex(where: { next in
                !left.contains { $0.from.isSameName(as: next.to) }
            }) {
                result.append(left.remove(at: next))
            } else {
                let name = aside(result.count + 1)
                result.append(Rename(from: left[0].from, to: name))
                left[0].from = name
            }
        }
        return result
    }
}
