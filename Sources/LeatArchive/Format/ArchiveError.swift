public import LeatCore
public import PGWire

/// Bytes of an archive that are not what a writer wrote, or not where it wrote them.
///
/// It says what and where, and never holds or prints a value.
public struct ArchiveError: Error, Equatable, Sendable {
    public enum Code: Equatable, Sendable {
        /// There is less than a header or a payload needs.
        case truncated(needed: Int, available: Int)
        /// What should begin here does not begin here.
        case notASegment
        case notAFrame
        /// Written by a newer Leat.
        case unknownVersion(Int)
        /// A checksum does not fit: bytes were changed.
        case damagedHeader
        case damagedPayload
        /// The checksums fit, yet a field holds what no writer puts there.
        case invalid(String)
        /// zstd does not take the payload.
        case compression(String)
        case tooLarge(bytes: Int)
        /// The messages of a frame are none, or do not follow one another like that.
        case content(StreamError)
        /// The frame does not hold what its header says.
        case contentDiffers(String)
        /// This segment or frame does not follow the one before it: something between them is
        /// missing, or one of them belongs elsewhere.
        case brokenChain(expected: FrameLink, found: FrameLink)
        case misnamed(LSN)
        /// It belongs to another archive.
        case foreignSegment(ArchiveID)
        /// The file is there no more, or the chain leads to one that is not there.
        case missingSegment(SegmentName)
        /// The wanted position is before what the archive still holds.
        case beforeBeginning(wanted: LSN, beginning: LSN)
        /// The position names a place that the segments do not reach.
        case behindEnd(String)
        /// The `position` file is not one, or was changed.
        case damagedPosition
        /// A file of a base is not what its manifest says.
        case damagedBase(file: String, LSN, String)
        /// A file of the archive's folder is not there, which must be.
        case missingFile(String)
        /// The folder holds no archive.
        case noArchive
        /// Another process writes the archive; its ID.
        case heldBy(String)
        /// A call to the operating system failed, in its words.
        case file(String)
        /// The same, because there is no room for what was to be written. Nothing was synchronised
        /// in vain, so a new writer may try again.
        case noRoom(String)
        /// The system refuses so many bytes of memory.
        case noMemory(Int)
        /// Another user could put files into the folder that is to be written to.
        case untrusted(String)
    }

    public var code: Code
    /// The segment concerned, if one is.
    public var segment: SegmentName?
    /// Where in it, in bytes from its beginning.
    public var offset: Int?

    public init(_ code: Code, in segment: SegmentName? = nil, at offset: Int? = nil) {
        self.code = code
        self.segment = segment
        self.offset = offset
    }

    func located(in segment: SegmentName, at offset: Int) -> ArchiveError {
        ArchiveError(code, in: self.segment ?? segment, at: self.offset ?? offset)
    }
}

extension ArchiveError: CustomStringConvertible {
    /// One sentence without a full stop, such as
    /// `segment 00000000015D8A20.leat at byte 48: a checksum does not fit its payload`.
    public var description: String {
        guard let segment else { return code.description }
        let place = offset.map { " at byte \($0)" } ?? ""
        return "segment \(segment.fileName)\(place): \(code.description)"
    }
}

extension ArchiveError.Code: CustomStringConvertible {
    public var description: String {
        switch self {
        case .truncated(let needed, let available):
            "\(needed) bytes needed, \(available) left"
        case .notASegment: "it does not begin as a segment does"
        case .notAFrame: "no frame begins here"
        case .unknownVersion(let version):
            "format version \(version), which only a newer Leat knows"
        case .damagedHeader: "a checksum does not fit its header"
        case .damagedPayload: "a checksum does not fit its payload"
        case .invalid(let what): "invalid \(what)"
        case .compression(let reason): "zstd: \(reason)"
        case .tooLarge(let bytes): "\(bytes) bytes, more than any writer puts there"
        case .content(let error): "\(error)"
        case .contentDiffers(let what): "its header says otherwise: \(what)"
        case .brokenChain(let expected, let found):
            """
            it follows a frame that ended at \(found.end) (\(found.checksumText)), but before it is \
            one that ended at \(expected.end) (\(expected.checksumText)): something between is \
            missing or foreign
            """
        case .misnamed(let first): "its header says that it begins at \(first)"
        case .foreignSegment(let archive): "it belongs to another archive, \(archive)"
        case .missingSegment(let name): "segment \(name.fileName) is missing"
        case .beforeBeginning(let wanted, let beginning):
            "the archive begins at \(beginning), behind \(wanted)"
        case .behindEnd(let what): "the stored position is beyond what the segments hold: \(what)"
        case .damagedPosition: "the file \"position\" is damaged"
        case .damagedBase(let file, let point, let what): "\(file) of base \(point): \(what)"
        case .missingFile(let name): "the file \"\(name)\" is missing"
        case .noArchive: "it holds no archive"
        case .heldBy(let process): "process \(process) writes it"
        case .file(let reason), .noRoom(let reason): reason
        case .noMemory(let bytes): "no memory for \(bytes) bytes"
        case .untrusted(let reason): "\(reason), who could put files there"
        }
    }
}
