package import Logging
package import PGClient

extension Silence {
    /// - Parameter limit: `--answer-timeout`.
    package static func telling(_ logger: Logger, limit: Duration?) -> Silence {
        let advice =
            limit == nil ? "; --answer-timeout gives such a connection up, and connects anew" : ""
        return Silence(limit: limit) { endpoint, attempted in
            logger.warning(
                """
                no answer for 10 s at the \(endpoint): it is at work, or waits for a lock, or the \
                connection is dead and nobody has told\(advice)
                """, metadata: ["waiting_to": "\(attempted)"])
        }
    }
}
