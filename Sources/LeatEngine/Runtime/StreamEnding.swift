/// How a run over a slot ended that neither failed nor was rolled back.
enum StreamEnding: Sendable {
    case stopped, endReached, copied
}
