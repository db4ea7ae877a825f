import Foundation

/// Runs a program to its end.
///
/// - Returns: Its standard output.
/// - Throws: ``TestSupportError`` with its standard error when it fails or takes too long.
@discardableResult
func run(
    _ executable: String,
    arguments: [String],
    environment: [String: String] = [:],
    input: String? = nil,
    timeout: Duration = .patience
) async throws -> String {
    let child = try ChildProcess(
        executable, arguments: arguments, environment: environment, input: input, folder: "/")
    let exit: ProcessExit
    do {
        exit = try await child.wait(timeout: timeout)
    } catch {
        child.signal(SIGKILL)
        throw error
    }
    guard exit == .code(0) else {
        throw TestSupportError("\(child.name): \(exit): \(lastLines(20, of: child.errorOutput))")
    }
    return child.output
}
