import ArgumentParser
import Foundation
import LeatCore
import LeatEngine
import Logging
import PGClient

/// `--target`, or `LEAT_TARGET`.
struct TargetOption: ParsableArguments {
    @Option(help: "Target database: a libpq URI or conninfo. Default: $LEAT_TARGET.")
    var target: String?

    var isGiven: Bool { ConnectionText.isGiven(target, variable: "LEAT_TARGET") }

    func conninfo(_ logger: Logger) throws(Halt) -> Conninfo {
        try ConnectionText.conninfo(
            target, option: "--target", variable: "LEAT_TARGET", logger: logger)
    }
}

/// `--source`, or `LEAT_SOURCE`.
struct SourceOption: ParsableArguments {
    @Option(help: "Source database: a libpq URI or conninfo. Default: $LEAT_SOURCE.")
    var source: String?

    var isGiven: Bool { ConnectionText.isGiven(source, variable: "LEAT_SOURCE") }

    func conninfo(_ logger: Logger) throws(Halt) -> Conninfo {
        try ConnectionText.conninfo(
            source, option: "--source", variable: "LEAT_SOURCE", logger: logger)
    }
}

enum ConnectionText {
    static func isGiven(_ text: String?, variable: String) -> Bool {
        text != nil || ProcessInfo.processInfo.environment[variable] != nil
    }

    static func conninfo(
        _ text: String?, option: String, variable: String, logger: Logger
    ) throws(Halt) -> Conninfo {
        guard let given = text ?? ProcessInfo.processInfo.environment[variable] else {
            throw Halt(
                .configuration, "\(option) is missing.",
                advice: "Give \(option) or set \(variable) to a libpq URI or conninfo.")
        }
        let conninfo: Conninfo
        do { conninfo = try Conninfo(given) } catch {
            throw Halt(
                .configuration, "\(option) cannot be used: \(error.message).",
                advice: "For example: \(option) \"host=db.example.com dbname=shop user=leat\"")
        }
        if text != nil, conninfo.hasSecret {
            logger.warning(
                "a password on the command line is seen by everyone on this machine; use .pgpass, a service file or \(variable)"
            )
        }
        return conninfo
    }
}
