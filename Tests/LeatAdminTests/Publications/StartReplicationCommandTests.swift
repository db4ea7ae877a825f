import LeatAdmin
import LeatCore
import Testing

@Suite("What a walsender was asked to send")
struct StartReplicationCommandTests {
    @Test(
        "publications are read as the server reads them",
        arguments: [
            (
                #"START_REPLICATION SLOT "s" LOGICAL 0/0 (proto_version '4', publication_names '"p"')"#,
                ["p"]
            ),
            (
                #"START_REPLICATION SLOT "s" LOGICAL 0/0 ("publication_names" 'Pub, q')"#,
                ["pub", "q"]
            ),
            (
                #"start_replication slot s logical 16/B374D848 (publication_names '"a b","c""d","e''f"', x 'y')"#,
                ["a b", "c\"d", "e'f"]
            ),
        ])
    func publications(_ query: String, _ names: [String]) {
        let command = StartReplicationCommand(query)

        #expect(command?.slot == "s")
        #expect(command?.publications == names)
    }

    @Test(
        "what does not say them all is nothing",
        arguments: [
            "", "select 1", "START_REPLICATION 0/0", "START_REPLICATION SLOT \"s\" PHYSICAL 0/0",
            "START_REPLICATION SLOT \"s\" LOGICAL 0/0 (\"skip-empty-xacts\" '1')",
            "START_REPLICATION SLOT \"s\" LOGICAL 0/0 (publication_names '\"p\",\"",
            "START_REPLICATION SLOT \"s\" LOGICAL 0/0 (publication_names '\"p')",
            "START_REPLICATION SLOT \"s\" LOGICAL 0/0 (proto_version '1",
        ])
    func nothing(_ query: String) {
        #expect(StartReplicationCommand(query) == nil)
    }
}
