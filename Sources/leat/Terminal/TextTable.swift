import PGWire

/// Rows in columns. Where the terminal is too narrow the least important columns are left out.
struct TextTable {
    struct Column {
        enum Side { case left, right }

        var title: String
        var side = Side.left
        /// The higher, the sooner it is left out; 0 never.
        var dispensable = 0
    }

    struct Row {
        var cells: [String]
        /// Colours the whole line, or does not.
        var paint: (String) -> String = { $0 }
        /// Lines below it, as they are.
        var notes: [String] = []
    }

    private static let gap = 2

    var columns: [Column]
    var rows: [Row] = []

    func lines(_ style: TextStyle) -> [String] {
        // Each cell on one line, whatever names are in it.
        let rows = rows.map { row in
            Row(cells: row.cells.map(PrintedText.line), paint: row.paint, notes: row.notes)
        }
        return TextTable(columns: columns, rows: rows).plainLines(style)
    }

    private func plainLines(_ style: TextStyle) -> [String] {
        let widths = columns.indices.map { index in
            rows.reduce(columns[index].title.count) { max($0, $1.cells[index].count) }
        }
        let shown = fitting(widths, in: style)
        let titles = columns.map(\.title)
        var lines = [style.dim(line(titles, widths: widths, shown: shown))]
        for row in rows {
            lines.append(row.paint(line(row.cells, widths: widths, shown: shown)))
            lines += row.notes
        }
        return lines
    }

    /// Columns that no row has anything in are left out too.
    private func fitting(_ widths: [Int], in style: TextStyle) -> [Int] {
        var shown = columns.indices.filter { index in
            columns[index].dispensable == 0 || rows.contains { !$0.cells[index].isEmpty }
        }
        guard let room = style.width else { return shown }
        while shown.reduce(-TextTable.gap, { $0 + widths[$1] + TextTable.gap }) > room,
            let least = shown.max(by: { columns[$0].dispensable < columns[$1].dispensable }),
            columns[least].dispensable > 0
        {
            shown.removeAll { $0 == least }
        }
        return shown
    }

    private func line(_ cells: [String], widths: [Int], shown: [Int]) -> String {
        let parts = shown.map { index in
            let padding = String(repeating: " ", count: widths[index] - cells[index].count)
            return columns[index].side == .left ? cells[index] + padding : padding + cells[index]
        }
        let text = parts.joined(separator: String(repeating: " ", count: TextTable.gap))
        return String(text.reversed().drop { $0 == " " }.reversed())
    }
}
