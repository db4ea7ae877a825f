import ArgumentParser
import LeatSimulator
import LeatTestSupport

/// Schedules of a stream with servers in memory, until one breaks a promise.
struct SimulateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Run a stream against simulated servers and draw what goes wrong.",
        discussion: """
            What is found is printed with its seed: --seed with that number and --schedules 1 repeats \
            it, and --trace shows what led to it.
            """)

    @Option(help: "Of the first schedule; each next one has one more. Default: a new one.")
    var seed: UInt64?

    @Option(help: "Stops after so many.")
    var schedules: UInt64 = 1_000_000

    @Flag(help: "Prints what happens.")
    var trace = false

    @Option(help: "Something that is done wrong: \(SimulateCommand.sabotages).")
    var sabotage: Sabotage?

    private static let sabotages = Sabotage.allCases.map(\.rawValue).joined(separator: ", ")

    func run() throws {
        let first = seed ?? SeededGenerator.seed
        print("seed \(first)")
        let start = ContinuousClock.now
        var steps = 0
        for count in 0..<schedules {
            let seed = first &+ count
            let result = Simulation(seed: seed, sabotage: sabotage).run(isTraced: trace)
            steps += result.steps
            for line in result.trace { print(line) }
            if let broken = result.broken {
                print("seed \(seed), after \(count + 1) schedules: \(broken)")
                throw ExitCode.failure
            }
            if (count + 1).isMultiple(of: 10_000) {
                print("\(count + 1) schedules, \(steps) steps, \(ContinuousClock.now - start)")
            }
        }
        print("\(schedules) schedules, \(steps) steps: nothing found")
    }
}

extension Sabotage: ExpressibleByArgument {}
