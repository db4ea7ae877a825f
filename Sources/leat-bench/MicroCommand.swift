import ArgumentParser

/// The stages that every row passes in this process, without any server.
struct MicroCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "micro", abstract: "Measure decoding, folding and encoding in memory.")

    @Option(help: "Rows a workload.")
    var rows = 200_000

    @Option(help: "Passes a stage; the quickest counts, for the others were disturbed.")
    var passes = 7

    @Option(help: "Only stages and workloads whose name contains this.")
    var only: String?

    @Flag(help: "Print a line of JSON each.")
    var json = false

    func validate() throws {
        guard rows > 0, passes > 0 else { throw ValidationError("Nothing to measure.") }
    }

    func run() throws {
        if !json { print(Measurement.heading) }
        for workload in try Workload.all(rows: rows) {
            for stage in Stage.all where isWanted(workload, stage: stage) {
                let measured = try Measurement(of: stage, on: workload, passes: passes)
                print(json ? measured.json : measured.line)
            }
        }
    }

    private func isWanted(_ workload: Workload, stage: Stage) -> Bool {
        guard let only else { return true }
        return workload.name.contains(only) || stage.name.contains(only)
    }
}
