internal import PGWire

extension KnownColumns {
    /// Takes over where a relation's columns went.
    public mutating func learn(_ routes: ColumnRoutes, on target: TargetTable) {
        for index in routes.numbers.indices where !routes.leavesOut(index) {
            guard let number = routes.numbers[index],
                let found = target.columns.first(where: {
                    $0.name.isSameName(as: routes.names[index])
                })
            else { continue }
            learn(number, as: Column(targetNumber: found.number, name: routes.agreedNames[index]))
        }
        settle(routes)
    }

    /// Takes over which columns the source's table has where the stream is now: the target may
    /// still have to follow.
    public mutating func settle(_ routes: ColumnRoutes) {
        guard routes.areCurrent else { return }
        let now = routes.numbers.compactMap { $0 }
        for number in numbers where !now.contains(number) { drop(number) }
        for (number, name) in zip(routes.numbers, routes.sourceNames) {
            guard let number, self[number] == nil else { continue }
            learn(number, as: Column(targetNumber: 0, name: name))
        }
    }
}
