import PGWire

/// Prints lines on standard output, in place of Swift's own function of this name: whatever is in
/// them, a terminal is told nothing but ``TextStyle``'s colours.
func print(_ text: String) {
    Swift.print(TextStyle.printed(text, usesColour: TextStyle.output.usesColour))
}

/// Prints lines, each of which stays one whatever names are in it.
func print(lines: [String]) {
    print(lines.map(PrintedText.line).joined(separator: "\n"))
}
