/// What a refused start says of where the stream's position is kept.
public struct KeeperWords: Sendable {
    /// As in "the target knows nothing of this stream".
    public var name: String
    /// What to do where the source can no longer send what follows the position.
    public var wayBack: String
    /// Said before it where the slot is ahead of the position, if that has an easier end.
    public var whereSlotIsAhead = ""
    /// What to do with a slot that is there, by its name, where nothing is stored.
    public var wayOn: @Sendable (_ slot: String) -> String

    public init(
        name: String, wayBack: String, wayOn: @escaping @Sendable (_ slot: String) -> String
    ) {
        self.name = name
        self.wayBack = wayBack
        self.wayOn = wayOn
    }

    /// `leat.progress`, beside the rows.
    public static let target = KeeperWords(
        name: "target",
        wayBack: """
            Run "leat cleanup" for this stream and start it again with --truncate, which copies \
            the tables anew.
            """, wayOn: followingOn)

    /// An archive's own files.
    public static let archive = KeeperWords(
        name: "archive",
        wayBack: """
            Nothing more can follow what is recorded. Keep the archive as it is, drop the slot if \
            it is there, and begin another archive in another folder, with --with-base.
            """
    ) { slot in
        """
        To record from the slot's position on, start with --slot \(slot) and its \
        --publication; otherwise drop the slot or choose another --stream.
        """
    }

    /// An archive between the slot and a target.
    public static let spool: KeeperWords = {
        var spool = KeeperWords(
            name: "spool",
            wayBack: """
                Run "leat cleanup" for this stream, remove the spool's folder, and start again \
                with --truncate, which copies the tables anew.
                """, wayOn: followingOn)
        spool.whereSlotIsAhead = """
            If the stream was run without this spool since, start it again when the target can be \
            reached: the spool begins anew. Otherwise:\u{20}
            """
        return spool
    }()

    @Sendable private static func followingOn(_ slot: String) -> String {
        """
        To follow from the slot's position on, start with --slot \(slot) and its \
        --publication, with --no-copy if the target holds the data as of that position; \
        otherwise drop the slot or choose another --stream.
        """
    }
}
