import Glibc

extension TemporaryCluster {
    /// Lets clients connect with TLS, by a certificate of the server's own.
    public func allowTLS() async throws {
        let (certificate, key) = ("\(dataFolder)/server.crt", "\(dataFolder)/server.key")
        try await LeatTestSupport.run(
            "/usr/bin/env",
            arguments: [
                "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                "-subj", "/CN=localhost", "-keyout", key, "-out", certificate,
            ])
        for file in [certificate, key] {
            try giveToServer(file)
            guard chmod(file, 0o600) == 0 else {
                throw TestSupportError("Cannot protect \(file)")
            }
        }
        try await configure(["ssl": "on"])
        try await waitUntil(sql: "select pg_catalog.current_setting('ssl')", equals: "on")
    }
}
