import LeatArchive
import LeatCore
import LeatTestSupport
import PGWire
import Testing

@Suite struct RoundTripTests {
    @Test("what is written is read: every kind of change, pieces, new descriptions, segments")
    func roundTrip() throws {
        let seed = SeededGenerator.printedSeed()
        for round in 0..<30 {
            var stream = RandomStream(SeededGenerator(seed: seed &+ UInt64(round)), at: 1000)
            let (archive, batches) = try ArchiveSample.write(&stream, transactions: 60)

            let told = try Told(archive)

            #expect(told == Told(batches), "seed \(seed) round \(round)")
        }
    }

    @Test("a reader that begins at any commit tells exactly what ends behind it")
    func seeks() throws {
        var stream = RandomStream(SeededGenerator(seed: SeededGenerator.printedSeed()), at: 1000)
        let (archive, batches) = try ArchiveSample.write(&stream, transactions: 80)
        let whole = Told(batches)
        let ends = whole.lines.indices.filter { whole.lines[$0].hasPrefix("end ") }

        for index in ends {
            let end = try #require(LSN(String(whole.lines[index].dropFirst(4))))

            let told = try Told(archive, after: end)

            #expect(told.lines == Array(whole.lines[(index + 1)...]))
        }
    }

    @Test("any frame can be read alone")
    func alone() throws {
        var stream = RandomStream(SeededGenerator(seed: SeededGenerator.printedSeed()), at: 1000)
        let (archive, batches) = try ArchiveSample.write(&stream, transactions: 80)
        let written = Set(Told(batches).lines)
        var reader = try ArchiveReader(archive)
        var read: Set<String> = []

        while let item = try reader.next() {
            guard case .frame(let frame) = item, frame.header.kind == .changes else { continue }
            var decoder = BatchDecoder()
            let told = Told([try decoder.batch(of: frame)])
            read.formUnion(told.lines)
        }

        #expect(read.isSubset(of: written))
        // A frame that holds the commit alone says nothing to one that saw none of its changes.
        #expect(written.subtracting(read).allSatisfy { $0.hasPrefix("end ") })
    }

    @Test("a reader goes on where a growing archive goes on")
    func follows() throws {
        var stream = RandomStream(SeededGenerator(seed: SeededGenerator.printedSeed()), at: 1000)
        var writer = MemoryWriter(at: 1000, .sample)
        let growing = GrowingArchive()
        growing.replace(writer.archive)
        var reader = try ArchiveReader(growing)
        var decoder = BatchDecoder()
        var (told, batches) = (Told(), [Batch]())

        for round in 0..<40 {
            for batch in try stream.batches(3) {
                writer.append(batch)
                batches.append(batch)
            }
            round % 7 == 0 ? writer.roll() : writer.finish()
            growing.replace(writer.archive)
            while let item = try reader.next() {
                guard case .frame(let frame) = item else { continue }
                told.take(try decoder.batch(of: frame))
            }
            #expect(told == Told(batches))
        }
    }

    @Test("changes larger than a frame has room for are alone in theirs")
    func large() throws {
        let value = String(repeating: "x", count: 20 << 20)
        let relation = Relation(
            id: RelationID(rawValue: 1), schema: "public", name: "t", replicaIdentity: .default,
            columns: [RelationColumn(isKey: true, name: "c", typeOID: 25)])
        var assembler = TransactionAssembler(
            decoder: MessageDecoder(protocolVersion: 1), tables: .everything, position: .zero)
        let messages: [[UInt8]] = [
            WireEncoder.encode(.relation(RelationMessage(relation: relation))),
            WireEncoder.encode(
                .begin(
                    BeginMessage(
                        finalLSN: 2000, commitTime: PostgresTimestamp(rawValue: 1),
                        xid: TransactionID(rawValue: 7)))),
            WireEncoder.insert(into: relation.id, ["small"]),
            WireEncoder.insert(into: relation.id, [.text(value)]),
            WireEncoder.insert(into: relation.id, ["small again"]),
            WireEncoder.encode(
                .commit(
                    CommitMessage(
                        commitLSN: 2000, endLSN: 2048, commitTime: PostgresTimestamp(rawValue: 1)))
            ),
        ]
        for message in messages { _ = try assembler.receive(message.span.bytes, at: 1500) }
        let batch = assembler.takeBatch()
        var writer = MemoryWriter(at: 1000, .sample)

        writer.append(batch)
        writer.finish()

        #expect(writer.frames.count == 3)
        #expect(try Told(writer.archive) == Told([batch]))
    }

    @Test("the header of a segment gives back the catalog that it was given")
    func catalog() throws {
        let type = CatalogType(
            oid: 16_999, schema: "public", name: "colour", kind: .enum, category: "E",
            labels: ["red", "grün"])
        let relation = Relation(
            id: RelationID(rawValue: 16_384), schema: "public", name: "t", replicaIdentity: .full,
            columns: [RelationColumn(isKey: true, name: "c", typeOID: 16_999, typeModifier: 7)])
        let column = SourceColumn(
            number: 3, name: "c", typeOID: 16_999, typeModifier: 7, isNotNull: true,
            missingValue: "red", defaultExpression: "'red'::colour")
        var description = ArchiveDescription.sample
        description.catalog = ArchivedCatalog(
            types: [ArchivedType(type)],
            tables: [
                ArchivedTable(
                    relation, columns: [column], isPartitioned: false, rowFilter: "(c > 1)",
                    unsentKinds: ["truncates"], unsentGenerated: ["g"])
            ], extensions: [.init(name: "citext", schema: "public", version: "1.6")])
        let header = SegmentHeader(
            first: 1000, predecessor: SegmentName(500), previousChecksum: 7,
            description: description)

        let read = try SegmentHeader(decoding: header.encoded().span.bytes)

        #expect(read == header)
        #expect(read.description.catalog.types.map(\.type) == [type])
        #expect(read.description.catalog.tables.map(\.relation) == [relation])
        #expect(read.description.catalog.tables.map(\.sourceColumns) == [[column]])
    }
}
