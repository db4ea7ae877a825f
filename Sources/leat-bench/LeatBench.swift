import ArgumentParser

/// Measures parts of Leat by themselves. Not installed; see `scripts/bench`.
@main
struct LeatBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "leat-bench", abstract: "Measure parts of Leat by themselves.",
        subcommands: [
            MicroCommand.self, ReceiveCommand.self, PositionCommand.self, FuzzCommand.self,
            SimulateCommand.self,
        ])
}
