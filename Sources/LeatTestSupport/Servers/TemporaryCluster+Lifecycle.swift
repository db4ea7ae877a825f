import Foundation

extension TemporaryCluster {
    /// Starts the server and waits until it accepts connections.
    public func start(timeout: Duration = .patience) async throws {
        for attempt in 1... {
            do {
                try await control("start", arguments: ["-l", logPath], timeout: timeout)
                return
            } catch {
                let reason = lastLines(10, of: log)
                let portIsTaken = reason.contains("could not bind") || reason.contains("in use")
                guard portIsTaken, attempt < 5 else {
                    throw TestSupportError("PostgreSQL \(version) does not start\n\(reason)")
                }
                try changePort()
            }
        }
    }

    /// Stops the server, waking it first if it is suspended.
    ///
    /// - Returns: How long it took.
    /// - Throws: ``TestSupportError`` if it still runs when the time has passed.
    @discardableResult
    public func stop(
        mode: StopMode = .fast, timeout: Duration = .patience
    ) async throws -> Duration {
        resume()
        let clock = ContinuousClock()
        return try await clock.measure {
            try await control("stop", arguments: ["-m", mode.rawValue], timeout: timeout)
        }
    }

    /// Stops the server and starts it again on the same port.
    ///
    /// - Returns: How long the stop took.
    @discardableResult
    public func restart(
        mode: StopMode = .fast, timeout: Duration = .patience
    ) async throws -> Duration {
        let duration = try await stop(mode: mode, timeout: timeout)
        try await start(timeout: timeout)
        return duration
    }

    /// Changes settings and reloads them. Those that need it take effect at the next start.
    public func configure(_ settings: [String: String]) async throws {
        try appendConfiguration(settings)
        try await control("reload", arguments: [], timeout: .seconds(10))
    }

    /// Stops every process of the server where it stands, as a hung machine: connections stay open,
    /// nothing answers. New connections are still accepted by the kernel.
    public func suspend() {
        guard let postmaster = postmasterID else { return }
        kill(postmaster, SIGSTOP)
        // A child that was being forked is not in the first list.
        for _ in 0..<2 {
            for child in children(of: postmaster) { kill(child, SIGSTOP) }
        }
    }

    /// Lets a suspended server go on.
    public func resume() {
        guard let postmaster = postmasterID else { return }
        for child in children(of: postmaster) { kill(child, SIGCONT) }
        kill(postmaster, SIGCONT)
    }

    /// The postmaster's process id, or nil if the server does not run.
    var postmasterID: Int32? {
        let line = text(ofFile: "\(dataFolder)/postmaster.pid").split(separator: "\n").first
        return line.flatMap { Int32($0) }
    }

    private func control(
        _ verb: String, arguments: [String], timeout: Duration
    ) async throws {
        let seconds = String(max(1, Int(timeout.components.seconds)))
        let wait = verb == "reload" ? [] : ["-w", "-t", seconds]
        let locales = options.localeFolder.map { ["LOCPATH=\($0)"] } ?? []
        try await installation.runAsServer(
            "/usr/bin/env",
            arguments: locales + [installation.program("pg_ctl"), verb, "-s", "-D", dataFolder]
                + wait
                + arguments,
            timeout: timeout + .seconds(10))
    }
}

/// The processes whose parent is `parent`.
private func children(of parent: Int32) -> [Int32] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.compactMap { Int32($0) }.filter { process in
        // "pid (name) state parent …"; a name may hold anything but ends with the last ")".
        let fields = text(ofFile: "/proc/\(process)/stat").split(separator: ")").last?
            .split(separator: " ")
        return fields?.dropFirst().first.flatMap { Int32($0) } == parent
    }
}
