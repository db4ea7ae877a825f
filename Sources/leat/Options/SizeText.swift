import ArgumentParser
import LeatConfig

/// A size as PostgreSQL writes one in its settings: `512kB`, `64MB`, `10GB`, `2TB`; a bare number
/// is bytes.
struct SizeText: ExpressibleByArgument {
    let bytes: Int

    init?(argument: String) {
        guard let bytes = UnitText.bytes(argument) else { return nil }
        self.bytes = bytes
    }
}
