// Prints the changes of a slot as they are committed, and confirms what is printed:
//     print-changes CONNINFO SLOT PUBLICATION
import Foundation
import LeatCore
import PGClient
import PGWire

let arguments = CommandLine.arguments
let session = try Session(
    Conninfo(arguments[1]),
    options: .init(peer: .source, applicationName: "print-changes", isReplication: true))
try session.startReplication(
    slot: arguments[2], from: .zero,
    options: [("proto_version", "1"), ("publication_names", arguments[3])])
var assembler = TransactionAssembler(
    decoder: MessageDecoder(protocolVersion: 1, parallelStreaming: false), tables: .everything,
    position: .zero)
while true {
    let taken = try session.takePayloads { payload in
        guard case .xLogData(let data) = try ReplicationPayload(decoding: payload) else {
            return true
        }
        _ = try assembler.receive(XLogData.body(of: payload), at: data.walStart)
        return true
    }
    let batch = assembler.completeTransactions > 0 ? assembler.takeBatch() : Batch()
    for change in batch.changes where [.insert, .update, .delete].contains(change.kind) {
        let tuple = batch.columns(of: change.kind == .delete ? change.old : change.new)
        let values = tuple.map { batch.text(of: $0) ?? "-" }.joined(separator: ", ")
        print(change.kind, batch.relations[Int(change.relation)].name, values)
    }
    fflush(nil)
    let end = assembler.received
    try session.sendStatus(
        .init(written: end, flushed: end, applied: end, sendTime: .init(rawValue: 0)))
    if taken == .ended { break }
    guard try session.waitForStream(until: .now + .seconds(1)) == .readable else { continue }
    try session.readStream()
}
