import Foundation
import Synchronization

/// Cleans up when the test process is gone, whether it returned, crashed or was killed.
///
/// One `bash` in a session of its own reads our requests from a socket. The end of that socket
/// is the end of this process, by whatever cause: it then stops the servers, kills the children
/// and removes the folders that are still on its list. Nothing has to be polled, and there is
/// nothing to do at a normal exit either.
final class Watchdog: Sendable {
    static let shared = Watchdog()

    /// A request kept by the watchdog until it is dropped.
    struct Ticket: Sendable {
        fileprivate let number: Int
    }

    private static let script = #"""
        trap '' INT TERM HUP
        declare -A jobs
        children() {
            grep -ls "^PPid:[[:space:]]*$1\$" /proc/[0-9]*/status | cut -d/ -f3
        }
        runs() { # not so once it only waits for its parent to notice
            grep -qs '^State:[[:space:]]*[A-Ya-z]' "/proc/$1/status"
        }
        stop() { # data folder, folder to remove
            local pid=
            read -r pid 2>/dev/null <"$1/postmaster.pid"
            if [ -n "$pid" ]; then
                kill -QUIT "$pid"
                kill -CONT "$pid" $(children "$pid")
                for _ in {1..100}; do
                    runs "$pid" || break
                    sleep 0.1
                done
                runs "$pid" && kill -KILL $(children "$pid") "$pid"
            fi
            remove "$2"
        }
        remove() { # again while a program that we have just killed still writes into it
            for _ in {1..20}; do
                rm -rf -- "$1" && return
                sleep 0.1
            done
        }
        end() { kill -KILL "$1"; }
        while read -r verb number job; do
            case $verb in
            add) jobs[$number]=$job ;;
            drop) unset "jobs[$number]" ;;
            esac
        done
        for job in "${jobs[@]}"; do [[ $job == end* ]] && eval "$job"; done
        for job in "${jobs[@]}"; do [[ $job == end* ]] || eval "$job" & done
        wait
        """#

    private let socket: Int32
    private let lastNumber = Mutex(0)

    private init() {
        var ends: [Int32] = [0, 0]
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else {
            preconditionFailure("The watchdog cannot have a socket: \(errnoText())")
        }
        socket = ends[0]
        do {
            _ = try spawn(
                "bash", arguments: ["-c", Watchdog.script],
                options: SpawnOptions(
                    environment: childEnvironment(), input: ends[1], ownSession: true))
        } catch {
            preconditionFailure("The watchdog cannot start: \(error)")
        }
        close(ends[1])
    }

    /// Asks for `verb` (`stop`, `remove` or `end`) to be done when this process is gone.
    @discardableResult
    func whenGone(_ verb: String, _ arguments: String...) -> Ticket {
        let number = lastNumber.withLock { last in
            last += 1
            return last
        }
        let words = arguments.map { "'" + $0.replacing("'", with: #"'\''"#) + "'" }
        send("add \(number) \(verb) \(words.joined(separator: " "))\n")
        return Ticket(number: number)
    }

    /// Takes back a request: its object is gone in the ordinary way.
    func drop(_ ticket: Ticket) {
        send("drop \(ticket.number)\n")
    }

    private func send(_ line: String) {
        let bytes = Array(line.utf8)
        let sent = bytes.withUnsafeBytes {
            Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        precondition(sent == bytes.count, "The watchdog is gone")
    }
}
