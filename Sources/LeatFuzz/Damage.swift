internal import LeatTestSupport

/// What becomes of a list on its way: parts of it lost, doubled, changed, in another order.
enum Damage {
    static func apply(to list: inout [[UInt8]], using random: inout SeededGenerator) {
        for _ in 0..<Int.random(in: 0...3, using: &random) where !list.isEmpty {
            let (first, second) = (index(in: list, by: &random), index(in: list, by: &random))
            let range = min(first, second)..<min(max(first, second), min(first, second) + 8)
            switch Int.random(in: 0..<8, using: &random) {
            case 0: list.remove(at: first)
            case 1: list.insert(list[first], at: second)
            case 2: list.swapAt(first, second)
            case 3: list.removeSubrange(range)
            case 4: list.insert(contentsOf: list[range], at: index(in: list, by: &random))
            case 5: list.removeSubrange(max(first, second)...)
            default: list[first] = Mutation.apply(to: list[first], using: &random)
            }
        }
    }

    private static func index(in list: [[UInt8]], by random: inout SeededGenerator) -> Int {
        Int.random(in: 0..<list.count, using: &random)
    }
}
