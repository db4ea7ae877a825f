import LeatTestSupport
import PGClient
import PGWire
import Testing

@Suite("Errors of a server")
struct ServerErrorTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var sqlState: SQLState
        var message: String
        var context: String?
        var printed: String

        var testDescription: String { "\(sqlState) \(message), \(context ?? "no context")" }

        init(_ sqlState: SQLState, _ message: String, in context: String? = nil, _ printed: String)
        {
            self.sqlState = sqlState
            self.message = message
            self.context = context
            self.printed = printed
        }
    }

    private static let refused =
        "a function of the server refused it, in words that may hold values"

    /// German is what `lc_messages = 'de_DE.UTF-8'` makes of it.
    private static let cases = [
        Case(
            "22P02", "invalid input syntax for type integer: \"SECRET\"",
            "invalid_text_representation, in words that may hold values [22P02]"),
        Case(
            "22P02", "ungültige Eingabesyntax für Typ integer: »SECRET«",
            in: "unbenanntes Portal Parameter $1",
            "invalid_text_representation, in words that may hold values [22P02]"),
        Case(
            "22007", "SECRET", in: "COPY t, Zeile 1, Spalte v: »SECRET\nSECRET«",
            "invalid_datetime_format, in words that may hold values [22007]"),
        Case(
            "22P05", "Zeichen mit Byte-Folge 0x53 in Kodierung »UTF8« hat keine in »LATIN1«",
            "untranslatable_character (UTF8, LATIN1), in words that may hold values [22P05]"),
        Case(
            "23505", "doppelter Schlüsselwert verletzt Unique-Constraint »t_pkey«",
            "doppelter Schlüsselwert verletzt Unique-Constraint »t_pkey« [23505]"),
        Case(
            "23505", "duplicate key", in: "COPY t, Zeile 3", "duplicate key [23505]"),
        Case(
            "23514", "Wert für Domäne d verletzt", in: "unbenanntes Portal Parameter $2",
            "Wert für Domäne d verletzt [23514]"),
        Case(
            "23505", "SECRET", in: "PL/pgSQL function public.f() line 3 at RAISE",
            "\(refused) (unique_violation) [23505]"),
        Case(
            "23505", "SECRET", in: "PL/pgSQL-Funktion f() Zeile 3 bei RAISE",
            "\(refused) (unique_violation) [23505]"),
        Case(
            "23503", "SECRET", in: "SQL-Anweisung »delete from only s where a = 1/2«",
            "\(refused) (foreign_key_violation) [23503]"),
        Case("P0001", "SECRET", "\(refused) (raise_exception) [P0001]"),
        Case(
            "40001", "SECRET", in: "PL/pgSQL function f() line 1 at RAISE",
            "\(refused) (serialization_failure) [40001]"),
        Case(
            "42601", "syntax error in tsquery: \"SECRET\"",
            "syntax_error, in words that may hold values [42601]"),
        Case(
            "42P01", "relation \"SECRET\" does not exist",
            in: "COPY t, line 1, column r: \"SECRET\"",
            "undefined_table, in words that may hold values [42P01]"),
        Case("42P01", "relation \"t\" does not exist", "relation \"t\" does not exist [42P01]"),
        Case(
            "42704", "Publikation »p« existiert nicht",
            in: "Slot »s«, Ausgabe-Plugin »pgoutput«, im Callback change, zugehörige LSN 0/16B3748",
            "Publikation »p« existiert nicht [42704]"),
        Case(
            "55000", "cannot update",
            in: "slot \"s\", in the change callback, associated LSN 0/16B37",
            "cannot update [55000]"),
        Case("XX000", "SECRET", "internal_error, in words that may hold values [XX000]"),
        Case("LX001", "SECRET", "error, in words that may hold values [LX001]"),
    ]

    @Test("show no message that may hold a value, in whatever language", arguments: cases)
    func printing(_ test: Case) {
        var error = ServerError(sqlState: test.sqlState, message: test.message, detail: "SECRET")
        error.context = test.context

        #expect("\(error)" == test.printed)
        #expect(!"\(error.withoutValues)".contains("SECRET"))
    }

    @Test("of a statement with values in it, names that may be values are not shown either")
    func strict() {
        let error = ServerError(sqlState: "42P01", message: "relation \"SECRET\" does not exist")
        var naming = ServerError(sqlState: "42704", message: "publication \"p\" does not exist")
        naming.function = "get_publication_oid"
        naming.context = "slot \"s\", output plugin \"pgoutput\", in the startup callback"

        #expect(
            "\(error.withoutValues)" == "undefined_table, in words that may hold values [42P01]")
        #expect("\(naming.withoutValues)" == "publication \"p\" does not exist [42704]")
    }

    @Test("name what the fields name")
    func fields() {
        var error = ServerError(sqlState: "22003", message: "SECRET")
        (error.schema, error.dataType, error.constraint) = ("s", "d", "c")

        #expect(
            "\(error)" == "numeric_value_out_of_range on s.d, constraint c, in words that may hold "
                + "values [22003]")
        #expect(error.whole == "SECRET [22003]")
    }
}
