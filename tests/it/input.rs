//! Bad input: what is said about it, where, and with which exit code; and what must never be shown.

use crate::support::{
    HARBOUR, NOW, POLICIES, Run, SCHEMA, SOUND, command, deodar, deodar_with_input, edited, folder, harbour,
    harbour_by, replaced,
};
use expect_test::{Expect, expect};
use serde_json::{Value, json};

/// Diagnostics, then totals and exit code without their margin.
fn says(run: &Run, expected: &Expect) {
    let last = run.stdout.lines().last().unwrap_or_default();
    assert!(last.starts_with(&format!("  exit {}: ", run.code)), "{run:?}");
    let (diagnostics, totals) = match run.stdout.rsplit_once("\n\n") {
        Some((diagnostics, totals)) => (format!("{diagnostics}\n\n"), totals),
        None => (String::new(), run.stdout.as_str()),
    };
    let totals = totals.lines().map(|line| line.trim_start().to_owned() + "\n").collect::<String>();
    expected.assert_eq(&(diagnostics + &totals));
}

/// Judges a snapshot by the harbour pack.
fn snapshot(text: impl AsRef<[u8]>, expected: Expect) {
    says(&harbour(text, &["--quiet"]), &expected);
}

/// Judges the sound harbour by edited policies.
fn policies(text: &str, expected: Expect) {
    says(&harbour_by(SCHEMA, text, SOUND, &["--quiet"]), &expected);
}

/// Judges the sound harbour by an edited schema.
fn schema(text: &str, expected: Expect) {
    says(&harbour_by(text, POLICIES, SOUND, &["--quiet"]), &expected);
}

/// Judges the sound harbour with more arguments.
fn arguments(more: &[&str], expected: Expect) {
    says(&harbour(SOUND, &[&["--quiet"], more].concat()), &expected);
}

/// One check on piers, with annotations and clauses.
fn check_on_piers(annotations: &str, clauses: &str) -> String {
    format!(
        "{POLICIES}\n{annotations}\nforbid (principal, action == Action::\"audit\", resource is Pier)\n{clauses};\n"
    )
}

// JSON

#[test]
fn truncated_json_may_have_been_cut_off() {
    snapshot(
        &SOUND[..SOUND.find("\"length\": 12").expect("it is there")],
        expect![[r#"
            snapshot-syntax

              × expected a property name in double quotes, the text ends here
                ╭─[snapshot.json:14:56]
             13 │       "boats": [
             14 │         { "name": "Tern", "owner": "ada@anse.example",
                ·                                                      ┬
                ·                                                      ╰── here
                ╰────
              help: the file may have been cut off

            4 checks: 0 fail, 0 unknown, 0 not applicable, 0 pass
            exit 5: some files are unreadable or invalid; nothing was evaluated
        "#]],
    );
}

#[test]
fn a_snapshot_that_is_not_utf8_is_not_read() {
    snapshot(
        edited("\"fuel\"", "\"f#el\"").bytes().map(|byte| if byte == b'#' { 0xFC } else { byte }).collect::<Vec<u8>>(),
        expect![[r#"
            not-utf8

              × `snapshot.json` is not UTF-8: byte 0xFC in line 12, column 19; it may be
              │ Latin-1 or Windows-1252
              help: save the file as UTF-8, or convert it: iconv -f WINDOWS-1252 -t UTF-8

            4 checks: 0 fail, 0 unknown, 0 not applicable, 0 pass
            exit 5: some files are unreadable or invalid; nothing was evaluated
        "#]],
    );
}

#[test]
fn policies_that_are_not_utf8_are_not_read() {
    let latin: Vec<u8> =
        POLICIES.replacen("crowded", "cr#wded", 1).bytes().map(|byte| if byte == b'#' { 0xF6 } else { byte }).collect();
    let files = [
        ("harbour.cedarschema", SCHEMA.as_bytes()),
        ("policies/p.cedar", &latin[..]),
        ("snapshot.json", SOUND.as_bytes()),
    ];
    says(
        &deodar(&files, &[&HARBOUR[..], &["--quiet"]].concat()),
        &expect![[r#"
            not-utf8

              × `policies/p.cedar` is not UTF-8: byte 0xF6 in line 16, column 39; it may
              │ be Latin-1 or Windows-1252
              help: save the file as UTF-8, or convert it: iconv -f WINDOWS-1252 -t UTF-8

            0 checks: 0 fail, 0 unknown, 0 not applicable, 0 pass
            exit 5: some files are unreadable or invalid; nothing was evaluated
        "#]],
    );
}

#[test]
fn a_byte_order_mark_is_accepted_and_places_stay_true() {
    snapshot(
        "\u{feff}".to_owned() + &edited("{\n  \"name\": \"Anse\"", "{ \"name\": 7"),
        expect![[r#"
            snapshot-type

              × `name` is a number, expected a string
               ╭─[snapshot.json:1:12]
             1 │ { "name": 7,
               ·           ┬
               ·           ╰── this is a number
             2 │   "captured_at": "2026-08-31T06:00:00Z",
               ╰────

            4 checks: 0 fail, 0 unknown, 0 not applicable, 6 pass
            exit 5: some files are unreadable or invalid
        "#]],
    );
}

#[test]
fn ten_thousand_levels_are_an_error_and_not_a_crash() {
    snapshot(
        edited("[\"fuel\"]", &("[".repeat(10_000) + &"]".repeat(10_000))),
        expect![[r#"
            snapshot-syntax

              × nested deeper than 512 levels
                ╭─[snapshot.json:12:525]
             12 │ [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[
                ·                                                             ┬
                ·                                                             ╰── here
                ╰────
              help: allow more with --max-depth

            4 checks: 0 fail, 0 unknown, 0 not applicable, 0 pass
            exit 5: some files are unreadable or invalid; nothing was evaluated
        "#]],
    );
}

#[test]
fn a_number_that_does_not_fit_64_bits_is_not_captured() {
    snapshot(
        edited("\"length\": 12", "\"length\": 9223372036854775808"),
        expect![[r#"
            snapshot-value

              × `length` is not a valid Long
                ╭─[snapshot.json:14:66]
             13 │       "boats": [
             14 │         { "name": "Tern", "owner": "ada@anse.example", "length": 9223372036854775808, "light": "red", "pin": *** },
                ·                                                                  ─────────┬─────────
                ·                                                                           ╰── not a whole number of 64 bits
             15 │         { "name": "Wren", "owner": "bo@anse.example", "length": 9, "light": "green" }
                ╰────
              help: expected a whole number from -9223372036854775808 to
                    9223372036854775807

            4 checks: 0 fail, 1 unknown, 0 not applicable, 5 pass
            exit 5: some files are unreadable or invalid; some verdicts are unknown
        "#]],
    );
}

#[test]
fn a_property_that_stands_twice_is_not_guessed_at() {
    snapshot(
        edited("\"active\": true", "\"active\": true, \"active\": false"),
        expect![[r#"
        snapshot-duplicate-key

          × property `active` stands twice in one object
           ╭─[snapshot.json:5:36]
         4 │   "people": [
         5 │     { "email": "ada@anse.example", "active": true, "active": false, "site": "https://ada.example/boat" },
           ·                                    ────┬───        ────┬───
           ·                                        │               ╰── again here
           ·                                        ╰── first here
         6 │     { "email": "bo@anse.example", "active": true, "network": "192.0.2.0/28", "fee": 12.5 }
           ╰────
          help: which of the two is meant cannot be known: remove one

        4 checks: 0 fail, 1 unknown, 0 not applicable, 5 pass
        exit 5: some files are unreadable or invalid; some verdicts are unknown
    "#]],
    );
}

#[test]
fn a_list_that_stands_twice_is_not_guessed_at() {
    snapshot(
        edited("\"buoys\": []", "\"buoys\": [],\n  \"buoys\": [{ \"number\": 1, \"lit\": true }]"),
        expect![[r#"
        snapshot-duplicate-key

          × property `buoys` stands twice in one object
            ╭─[snapshot.json:19:3]
         18 │   ],
         19 │   "buoys": [],
            ·   ───┬───
            ·      ╰── first here
         20 │   "buoys": [{ "number": 1, "lit": true }]
            ·   ───┬───
            ·      ╰── again here
         21 │ }
            ╰────
          help: which of the two is meant cannot be known: remove one

        4 checks: 0 fail, 0 unknown, 0 not applicable, 6 pass
        exit 5: some files are unreadable or invalid
    "#]],
    );
}

#[test]
fn an_id_is_used_once() {
    snapshot(
        edited("\"Wren\"", "\"Tern\""),
        expect![[r#"
            snapshot-duplicate-id

              × two instances of Boat have the id `east/Tern`
                ╭─[snapshot.json:14:19]
             13 │       "boats": [
             14 │         { "name": "Tern", "owner": "ada@anse.example", "length": 12, "light": "red", "pin": *** },
                ·                   ───┬──
                ·                      ╰── first here
             15 │         { "name": "Tern", "owner": "bo@anse.example", "length": 9, "light": "green" }
                ·                   ───┬──
                ·                      ╰── again here
             16 │       ]
                ╰────
              help: remove one, or correct its id; until then both are one instance of
                    which nothing is known

            4 checks: 0 fail, 2 unknown, 0 not applicable, 2 pass
            exit 5: some files are unreadable or invalid; some verdicts are unknown
        "#]],
    );
}

#[test]
fn a_reference_to_nobody_comes_with_a_suggestion() {
    snapshot(
        edited("\"owner\": \"ada@anse.example\"", "\"owner\": \"adaa@anse.example\""),
        expect![[r#"
        snapshot-reference

          × `owner` refers to Person `adaa@anse.example`, which is not in the snapshot
            ╭─[snapshot.json:14:37]
         13 │       "boats": [
         14 │         { "name": "Tern", "owner": "adaa@anse.example", "length": 12, "light": "red", "pin": *** },
            ·                                     ────────┬────────
            ·                                             ╰── no such Person
         15 │         { "name": "Wren", "owner": "bo@anse.example", "length": 9, "light": "green" }
            ╰────
          help: did you mean `ada@anse.example`?

        4 checks: 0 fail, 1 unknown, 0 not applicable, 5 pass
        exit 5: some files are unreadable or invalid; some verdicts are unknown
    "#]],
    );
}

#[test]
fn the_document_is_an_object() {
    snapshot(
        "[1, 2]",
        expect![[r#"
        snapshot-root

          × a snapshot is an object, and this is an array
           ╭─[snapshot.json:1:1]
         1 │ ***
           · ─┬─
           ·  ╰── the document starts here
           ╰────

        4 checks: 0 fail, 0 unknown, 0 not applicable, 0 pass
        exit 5: some files are unreadable or invalid; nothing was evaluated
    "#]],
    );
}

#[test]
fn an_empty_file_is_no_snapshot() {
    snapshot(
        "",
        expect![[r#"
        snapshot-empty

          × the snapshot is empty
           ╭─[snapshot.json:1:1]
           ╰────
          help: a snapshot is a JSON object

        4 checks: 0 fail, 0 unknown, 0 not applicable, 0 pass
        exit 5: some files are unreadable or invalid; nothing was evaluated
    "#]],
    );
}

#[test]
fn white_space_is_no_snapshot() {
    snapshot(
        " \n\t\r\n ",
        expect![[r#"
        snapshot-empty

          × the snapshot is empty
           ╭─[snapshot.json:1:1]
         1 │
           · ▲
           · ╰── nothing here
         2 │
           ╰────
          help: a snapshot is a JSON object

        4 checks: 0 fail, 0 unknown, 0 not applicable, 0 pass
        exit 5: some files are unreadable or invalid; nothing was evaluated
    "#]],
    );
}

#[test]
fn nothing_follows_the_document() {
    snapshot(
        SOUND.to_owned() + "}",
        expect![[r#"
        snapshot-syntax

          × expected the end of the document, found `}`
            ╭─[snapshot.json:21:1]
         20 │ }
         21 │ }
            · ┬
            · ╰── here
            ╰────

        4 checks: 0 fail, 0 unknown, 0 not applicable, 0 pass
        exit 5: some files are unreadable or invalid; nothing was evaluated
    "#]],
    );
}

#[test]
fn json_has_no_comments() {
    snapshot(
        edited("\"people\"", "// who is who\n  \"people\""),
        expect![[r#"
        snapshot-syntax

          × expected a property name in double quotes, found `/`: JSON has no comments
           ╭─[snapshot.json:4:3]
         3 │   "captured_at": "2026-08-31T06:00:00Z",
         4 │   ***
           ·   ─┬─
           ·    ╰── here
         5 │ ***
           ╰────

        4 checks: 0 fail, 0 unknown, 0 not applicable, 0 pass
        exit 5: some files are unreadable or invalid; nothing was evaluated
    "#]],
    );
}

#[test]
fn a_comma_before_a_brace_is_one_too_many() {
    snapshot(
        edited("\"buoys\": []", "\"buoys\": [],"),
        expect![[r#"
        snapshot-syntax

          × expected a property name in double quotes, found `}`: JSON allows no comma
          │ before it
            ╭─[snapshot.json:20:1]
         19 │   "buoys": [],
         20 │ }
            · ┬
            · ╰── here
            ╰────

        4 checks: 0 fail, 0 unknown, 0 not applicable, 0 pass
        exit 5: some files are unreadable or invalid; nothing was evaluated
    "#]],
    );
}

// Values

#[test]
fn every_wrong_type_is_reported_at_once() {
    snapshot(
        [
            ("\"length\": 40", "\"length\": \"40\""),
            ("\"active\": true", "\"active\": 1"),
            ("[\"fuel\"]", "\"fuel\""),
            ("\"red\"", "[]"),
        ]
        .iter()
        .fold(SOUND.to_owned(), |text, (from, to)| replaced(&text, from, to)),
        expect![[r#"
            snapshot-type

              × `active` is a number, expected true or false
               ╭─[snapshot.json:5:46]
             4 │   "people": [
             5 │     { "email": "ada@anse.example", "active": 1, "site": "https://ada.example/boat" },
               ·                                              ┬
               ·                                              ╰── this is a number
             6 │     { "email": "bo@anse.example", "active": true, "network": "192.0.2.0/28", "fee": 12.5 }
               ╰────
              help: write true

            snapshot-type

              × `length` is a string, expected a whole number
                ╭─[snapshot.json:11:17]
             10 │       "id": "east",
             11 │       "length": "40",
                ·                 ──┬─
                ·                   ╰── this is a string
             12 │       "flags": "fuel",
                ╰────
              help: write 40 without quotes

            snapshot-type

              × `flags` is a string, expected an array
                ╭─[snapshot.json:12:16]
             11 │       "length": "40",
             12 │       "flags": "fuel",
                ·                ───┬──
                ·                   ╰── this is a string
             13 │       "boats": [
                ╰────

            snapshot-type

              × `light` is an array, expected a name
                ╭─[snapshot.json:14:79]
             13 │       "boats": [
             14 │         { "name": "Tern", "owner": "ada@anse.example", "length": 12, "light": [], "pin": *** },
                ·                                                                               ─┬
                ·                                                                                ╰── this is an array
             15 │         { "name": "Wren", "owner": "bo@anse.example", "length": 9, "light": "green" }
                ╰────

            4 checks: 0 fail, 3 unknown, 0 not applicable, 3 pass
            exit 5: some files are unreadable or invalid; some verdicts are unknown
        "#]],
    );
}

#[test]
fn a_list_of_the_wrong_type_is_not_captured() {
    snapshot(
        edited("\"buoys\": []", "\"buoys\": \"none\""),
        expect![[r#"
            snapshot-type

              × expected a list at `/buoys`, found a string
                ╭─[snapshot.json:19:12]
             18 │   ],
             19 │   "buoys": "none"
                ·            ───┬──
                ·               ╰── this is a string
             20 │ }
                ╰────

            4 checks: 0 fail, 0 unknown, 0 not applicable, 6 pass
            exit 5: some files are unreadable or invalid
        "#]],
    );
}

#[test]
fn an_instance_of_the_wrong_type_is_reported() {
    snapshot(
        edited("\"buoys\": []", "\"buoys\": [7]"),
        expect![[r#"
            snapshot-type

              × `Buoy` is read from an object, found a number
                ╭─[snapshot.json:19:13]
             18 │   ],
             19 │   "buoys": [7]
                ·             ┬
                ·             ╰── this is a number
             20 │ }
                ╰────
              help: write an instance in its place, or remove it; how many instances it
                    stands for is unknown

            4 checks: 0 fail, 0 unknown, 0 not applicable, 6 pass
            exit 5: some files are unreadable or invalid
        "#]],
    );
}

#[test]
fn a_bad_date_says_what_is_valid() {
    snapshot(
        edited("2026-08-31T06:00:00Z", "31.08.2026"),
        expect![[r#"
            snapshot-value

              × `captured_at` is not a valid datetime
               ╭─[snapshot.json:3:18]
             2 │   "name": "Anse",
             3 │   "captured_at": "31.08.2026",
               ·                  ──────┬─────
               ·                        ╰── cannot be read
             4 │   "people": [
               ╰────
              help: a date begins with the year, then month and day: write it such as
                    2026-09-01

            4 checks: 0 fail, 1 unknown, 0 not applicable, 5 pass
            exit 5: some files are unreadable or invalid; some verdicts are unknown
        "#]],
    );
}

#[test]
fn a_date_that_no_calendar_has_is_bad() {
    snapshot(
        edited("2026-08-31T06:00:00Z", "2026-02-30T06:00:00Z"),
        expect![[r#"
            snapshot-value

              × `captured_at` is not a valid datetime
               ╭─[snapshot.json:3:18]
             2 │   "name": "Anse",
             3 │   "captured_at": "2026-02-30T06:00:00Z",
               ·                  ───────────┬──────────
               ·                             ╰── cannot be read
             4 │   "people": [
               ╰────
              help: there is no day 30 in 2026-02

            4 checks: 0 fail, 1 unknown, 0 not applicable, 5 pass
            exit 5: some files are unreadable or invalid; some verdicts are unknown
        "#]],
    );
}

#[test]
fn a_bad_address_says_what_is_valid() {
    snapshot(
        edited("192.0.2.0/28", "192.0.2.0/33"),
        expect![[r#"
            snapshot-value

              × `network` is not a valid ipaddr
               ╭─[snapshot.json:6:62]
             5 │     { "email": "ada@anse.example", "active": true, "site": "https://ada.example/boat" },
             6 │     { "email": "bo@anse.example", "active": true, "network": "192.0.2.0/33", "fee": 12.5 }
               ·                                                              ───────┬──────
               ·                                                                     ╰── cannot be read
             7 │   ],
               ╰────
              help: the prefix length `33` is out of range: it is a number from 0 to 32

            4 checks: 0 fail, 0 unknown, 0 not applicable, 6 pass
            exit 5: some files are unreadable or invalid
        "#]],
    );
}

#[test]
fn a_bad_decimal_says_what_is_valid() {
    snapshot(
        edited("12.5", "\"12,50\""),
        expect![[r#"
            snapshot-value

              × `fee` is not a valid decimal
               ╭─[snapshot.json:6:85]
             5 │     { "email": "ada@anse.example", "active": true, "site": "https://ada.example/boat" },
             6 │     { "email": "bo@anse.example", "active": true, "network": "192.0.2.0/28", "fee": "12,50" }
               ·                                                                                     ───┬───
               ·                                                                                        ╰── cannot be read
             7 │   ],
               ╰────
              help: a decimal has a point: write 12.5

            4 checks: 0 fail, 0 unknown, 0 not applicable, 6 pass
            exit 5: some files are unreadable or invalid
        "#]],
    );
}

#[test]
fn a_bad_url_says_what_is_valid() {
    snapshot(
        edited("https://ada.example/boat", "ada.example/boat"),
        expect![[r#"
        snapshot-value

          × `host` is not a URL
           ╭─[snapshot.json:5:60]
         4 │   "people": [
         5 │     { "email": "ada@anse.example", "active": true, "site": "ada.example/boat" },
           ·                                                            ─────────┬────────
           ·                                                                     ╰── cannot be read
         6 │     { "email": "bo@anse.example", "active": true, "network": "192.0.2.0/28", "fee": 12.5 }
           ╰────
          help: valid is as https://host/path

        4 checks: 0 fail, 0 unknown, 0 not applicable, 6 pass
        exit 5: some files are unreadable or invalid
    "#]],
    );
}

#[test]
fn a_url_with_a_blank_in_its_host_is_bad() {
    snapshot(
        edited("https://ada.example/boat", "https://ada example/boat"),
        expect![[r#"
        snapshot-value

          × `host` is not a URL
           ╭─[snapshot.json:5:60]
         4 │   "people": [
         5 │     { "email": "ada@anse.example", "active": true, "site": "https://ada example/boat" },
           ·                                                            ─────────────┬────────────
           ·                                                                         ╰── cannot be read
         6 │     { "email": "bo@anse.example", "active": true, "network": "192.0.2.0/28", "fee": 12.5 }
           ╰────
          help: valid is as https://host/path

        4 checks: 0 fail, 0 unknown, 0 not applicable, 6 pass
        exit 5: some files are unreadable or invalid
    "#]],
    );
}

#[test]
fn a_bad_email_address_says_what_is_valid() {
    snapshot(
        edited("\"email\": \"bo@anse.example\"", "\"email\": \"bo\""),
        expect![[r#"
        snapshot-value

          × `domain` is not an e-mail address
           ╭─[snapshot.json:6:16]
         5 │     { "email": "ada@anse.example", "active": true, "site": "https://ada.example/boat" },
         6 │     { "email": "bo", "active": true, "network": "192.0.2.0/28", "fee": 12.5 }
           ·                ──┬─
           ·                  ╰── cannot be read
         7 │   ],
           ╰────
          help: valid is as name@example.com

        snapshot-reference

          × `owner` refers to Person `bo@anse.example`, which is not in the snapshot
            ╭─[snapshot.json:15:37]
         14 │         { "name": "Tern", "owner": "ada@anse.example", "length": 12, "light": "red", "pin": *** },
         15 │         { "name": "Wren", "owner": "bo@anse.example", "length": 9, "light": "green" }
            ·                                     ───────┬───────
            ·                                            ╰── no such Person
         16 │       ]
            ╰────
          help: did you mean `ada@anse.example`?

        4 checks: 0 fail, 1 unknown, 0 not applicable, 5 pass
        exit 5: some files are unreadable or invalid; some verdicts are unknown
    "#]],
    );
}

#[test]
fn an_email_address_with_a_blank_in_it_is_bad() {
    snapshot(
        edited("\"email\": \"bo@anse.example\"", "\"email\": \"bo@ anse.example\""),
        expect![[r#"
        snapshot-value

          × `domain` is not an e-mail address
           ╭─[snapshot.json:6:16]
         5 │     { "email": "ada@anse.example", "active": true, "site": "https://ada.example/boat" },
         6 │     { "email": "bo@ anse.example", "active": true, "network": "192.0.2.0/28", "fee": 12.5 }
           ·                ─────────┬────────
           ·                         ╰── cannot be read
         7 │   ],
           ╰────
          help: valid is as name@example.com

        snapshot-reference

          × `owner` refers to Person `bo@anse.example`, which is not in the snapshot
            ╭─[snapshot.json:15:37]
         14 │         { "name": "Tern", "owner": "ada@anse.example", "length": 12, "light": "red", "pin": *** },
         15 │         { "name": "Wren", "owner": "bo@anse.example", "length": 9, "light": "green" }
            ·                                     ───────┬───────
            ·                                            ╰── no such Person
         16 │       ]
            ╰────
          help: did you mean `bo@ anse.example`?

        4 checks: 0 fail, 1 unknown, 0 not applicable, 5 pass
        exit 5: some files are unreadable or invalid; some verdicts are unknown
    "#]],
    );
}

#[test]
fn an_unknown_word_comes_with_a_suggestion() {
    snapshot(
        edited("\"green\"", "\"gren\""),
        expect![[r#"
            snapshot-value

              × `light` is "gren", which is not a Light
                ╭─[snapshot.json:15:77]
             14 │         { "name": "Tern", "owner": "ada@anse.example", "length": 12, "light": "red", "pin": *** },
             15 │         { "name": "Wren", "owner": "bo@anse.example", "length": 9, "light": "gren" }
                ·                                                                             ───┬──
                ·                                                                                ╰── unknown value
             16 │       ]
                ╰────
              help: did you mean `green`?

            4 checks: 0 fail, 1 unknown, 0 not applicable, 5 pass
            exit 5: some files are unreadable or invalid; some verdicts are unknown
        "#]],
    );
}

#[test]
fn a_word_that_an_open_list_does_not_contain_is_a_warning() {
    let schema = replaced(SCHEMA, "entity Light", "@open entity Light");
    for (word, help) in [
        ("gren", "did you mean `green`? If the word is new, add it to Light in the schema"),
        ("ultraviolet", "correct the word, or add it to Light in the schema"),
    ] {
        let json = edited("\"green\"", &format!("{word:?}"));
        let run = harbour_by(&schema, POLICIES, json, &["--format", "json"]);
        let report = run.json();
        let found = &report["diagnostics"][0];
        assert_eq!((run.code, &found["code"], &found["severity"]), (4, &"snapshot-word".into(), &"warning".into()));
        assert_eq!(found["message"], format!("`light` is {word:?}, which the open list Light does not contain"));
        assert_eq!(found["help"], help);
        let finding = &report["findings"][0];
        assert_eq!((&finding["check"], &finding["verdict"]), (&"HB-LEN-01".into(), &"unknown".into()), "{run:?}");
        assert_eq!(finding["message"], "light is unreadable");
    }
    let schema = replaced(&schema, "light: Light", "@secret light: Light");
    let run = harbour_by(&schema, POLICIES, edited("\"green\"", "\"gren\""), &[]);
    assert!(!run.stdout.contains("gren") && run.stdout.contains("`light` is ***, which the open list"), "{run:?}");
}

#[test]
fn a_former_word_is_an_error_with_its_migration() {
    let former = "@former(\"blue: write `green`; lights were renamed\\nviolet: write `red`\")";
    for (open, choices, message) in [
        ("", "[\"red\", \"green\", \"white\"]", "`light` is \"blue\", which is a former Light"),
        ("@open ", "[\"red\"]", "`light` is \"blue\", which is superseded by `red`"),
    ] {
        let declared = format!("{open}{former}\nentity Light enum {choices};");
        let schema = replaced(SCHEMA, "entity Light enum [\"red\", \"green\", \"white\"];", &declared);
        let policies = POLICIES.replace("Light::\"white\"", "Light::\"red\"");
        let run = harbour_by(&schema, &policies, edited("\"green\"", "\"blue\""), &["--format", "json"]);
        let report = run.json();
        let found = &report["diagnostics"][0];
        assert_eq!((run.code, &found["code"], &found["severity"]), (5, &"snapshot-former".into(), &"error".into()));
        assert_eq!(found["message"], message);
        assert_eq!(found["help"], "write `green`; lights were renamed");
        assert_eq!(found["labels"][0]["span"]["start"]["line"], 15);
    }
}

#[test]
fn a_property_that_looks_like_a_slip_is_a_warning() {
    snapshot(
        edited("\"site\"", "\"siet\""),
        expect![[r#"
            snapshot-property

              ⚠ unknown property `siet`, and `site` is missing beside it
               ╭─[snapshot.json:5:52]
             4 │   "people": [
             5 │     { "email": "ada@anse.example", "active": true, "siet": "https://ada.example/boat" },
               ·                                                    ───┬──
               ·                                                       ╰── not declared
             6 │     { "email": "bo@anse.example", "active": true, "network": "192.0.2.0/28", "fee": 12.5 }
               ╰────
              help: did you mean `site`?

            4 checks: 0 fail, 0 unknown, 0 not applicable, 6 pass
            exit 0: everything was judged, nothing failed at or above the threshold
        "#]],
    );
}

#[test]
fn a_property_nobody_declared_is_left_alone() {
    snapshot(
        edited("\"active\": true", "\"active\": true, \"colour\": \"blue\""),
        expect![[r#"
        4 checks: 0 fail, 0 unknown, 0 not applicable, 6 pass
        exit 0: everything was judged, nothing failed at or above the threshold
    "#]],
    );
}

#[test]
fn on_a_closed_type_an_undeclared_property_is_an_error() {
    snapshot(
        edited("\"buoys\": []", "\"buoys\": [{ \"number\": 1, \"lit\": true, \"litt\": 1 }]"),
        expect![[r#"
        snapshot-property

          × a Buoy has no property `litt`
            ╭─[snapshot.json:19:41]
         18 │   ],
         19 │   "buoys": [{ "number": 1, "lit": true, "litt": 1 }]
            ·                                         ───┬──
            ·                                            ╰── not declared
         20 │ }
            ╰────
          help: did you mean `lit`?

        4 checks: 0 fail, 0 unknown, 0 not applicable, 6 pass
        exit 5: some files are unreadable or invalid
    "#]],
    );
}

#[test]
fn an_instance_without_its_id_is_an_error() {
    snapshot(
        edited("\"name\": \"Wren\", ", ""),
        expect![[r#"
            snapshot-key

              × `Boat` has no `name`, which is its id
                ╭─[snapshot.json:15:9]
             14 │         { "name": "Tern", "owner": "ada@anse.example", "length": 12, "light": "red", "pin": *** },
             15 │         { "owner": "bo@anse.example", "length": 9, "light": "green" }
                ·         ──────────────────────────────┬─────────────────────────────
                ·                                       ╰── here
             16 │       ]
                ╰────
              help: write the id as a text or a number: a finding names the instance by it

            4 checks: 0 fail, 0 unknown, 0 not applicable, 6 pass
            exit 5: some files are unreadable or invalid
        "#]],
    );
}

#[test]
fn half_a_surrogate_pair_is_no_text() {
    snapshot(
        edited("\"fuel\"", "\"\\ud83d\""),
        expect![[r#"
        snapshot-text

          × this string is not text: an escape is half of a surrogate pair
            ╭─[snapshot.json:12:17]
         11 │       "length": 40,
         12 │       "flags": ["\ud83d"],
            ·                 ────┬───
            ·                     ╰── here
         13 │       "boats": [
            ╰────

        4 checks: 0 fail, 0 unknown, 0 not applicable, 6 pass
        exit 5: some files are unreadable or invalid
    "#]],
    );
}

#[test]
fn inside_a_list_of_records_a_property_stands_once() {
    let records = replaced(SCHEMA, "flags: Set<String>", "flags: Set<{ mast: Long }>");
    let twice = edited("[\"fuel\"]", "[{ \"mast\": 1, \"mast\": 2 }]");
    says(
        &harbour_by(&records, POLICIES, twice, &["--quiet"]),
        &expect![[r#"
        snapshot-duplicate-key

          × property `mast` stands twice in one object
            ╭─[snapshot.json:12:19]
         11 │       "length": 40,
         12 │       "flags": [{ "mast": 1, "mast": 2 }],
            ·                   ───┬──     ───┬──
            ·                      │          ╰── again here
            ·                      ╰── first here
         13 │       "boats": [
            ╰────
          help: which of the two is meant cannot be known: remove one

        4 checks: 0 fail, 0 unknown, 0 not applicable, 6 pass
        exit 5: some files are unreadable or invalid
    "#]],
    );
}

#[test]
fn in_an_object_of_instances_a_name_stands_once() {
    let twice = edited(
        "\"buoys\": []",
        "\"buoys\": { \"a\": { \"number\": 1, \"lit\": true }, \"a\": { \"number\": 2, \"lit\": true } }",
    );
    snapshot(
        twice,
        expect![[r#"
        snapshot-duplicate-key

          × property `a` stands twice in one object
            ╭─[snapshot.json:19:14]
         18 │   ],
         19 │   "buoys": { "a": { "number": 1, "lit": true }, "a": { "number": 2, "lit": true } }
            ·              ─┬─                                ─┬─
            ·               │                                  ╰── again here
            ·               ╰── first here
         20 │ }
            ╰────
          help: which of the two is meant cannot be known: remove one

        4 checks: 0 fail, 0 unknown, 0 not applicable, 6 pass
        exit 5: some files are unreadable or invalid
    "#]],
    );
}

// Files and folders

#[test]
fn a_folder_without_policies_evaluates_nothing() {
    let files = [
        ("harbour.cedarschema", SCHEMA.as_bytes()),
        ("policies/notes.md", b"none yet"),
        ("snapshot.json", SOUND.as_bytes()),
    ];
    says(
        &deodar(&files, &[&HARBOUR[..], &["--quiet"]].concat()),
        &expect![[r#"
            no-policy

              ⚠ folder `policies` holds no policy
              help: policies are files whose name ends in `.cedar`

            not-a-policy

              ⚠ 1 file in `policies` is no policy and was left alone
              help: policies are files whose name ends in `.cedar`

            0 checks: 0 fail, 0 unknown, 0 not applicable, 0 pass
            exit 3: nothing was evaluated
        "#]],
    );
}

#[test]
fn a_folder_without_snapshots_evaluates_nothing() {
    let files = [
        ("harbour.cedarschema", SCHEMA.as_bytes()),
        ("policies/p.cedar", POLICIES.as_bytes()),
        ("snapshot.json/notes.md", b"none yet"),
    ];
    says(
        &deodar(&files, &[&HARBOUR[..], &["--quiet"]].concat()),
        &expect![[r#"
            no-snapshot

              ⚠ folder `snapshot.json` holds no snapshot
              help: snapshots are files whose name ends in `.json` or `.ndjson`, and
                    perhaps in `.gz` or `.zst`

            4 checks: 0 fail, 0 unknown, 0 not applicable, 0 pass
            1 other file in the folders was left alone
            exit 3: nothing was evaluated
        "#]],
    );
}

#[test]
fn a_snapshot_that_is_not_there_is_fatal() {
    let files = [("harbour.cedarschema", SCHEMA.as_bytes()), ("policies/p.cedar", POLICIES.as_bytes())];
    says(
        &deodar(&files, &[&HARBOUR[..], &["--quiet"]].concat()),
        &expect![[r#"
        unreadable

          × cannot read `snapshot.json`: no such file or directory

        4 checks: 0 fail, 0 unknown, 0 not applicable, 0 pass
        exit 5: some files are unreadable or invalid; nothing was evaluated
    "#]],
    );
}

#[test]
fn a_snapshot_that_is_not_there_does_not_hide_one_that_is() {
    arguments(
        &["nowhere.json"],
        expect![[r#"
        unreadable

          × cannot read `nowhere.json`: no such file or directory

        4 checks: 0 fail, 0 unknown, 0 not applicable, 6 pass
        exit 5: some files are unreadable or invalid
    "#]],
    );
}

#[test]
fn a_schema_or_policy_that_is_not_there_is_fatal() {
    let files = [("snapshot.json", SOUND.as_bytes())];
    says(
        &deodar(&files, &[&HARBOUR[..], &["--quiet"]].concat()),
        &expect![[r#"
        unreadable

          × cannot read `harbour.cedarschema`: no such file or directory

        0 checks: 0 fail, 0 unknown, 0 not applicable, 0 pass
        exit 5: some files are unreadable or invalid; nothing was evaluated
    "#]],
    );
    let files = [("harbour.cedarschema", SCHEMA.as_bytes()), ("snapshot.json", SOUND.as_bytes())];
    says(
        &deodar(&files, &[&HARBOUR[..], &["--quiet"]].concat()),
        &expect![[r#"
        unreadable

          × cannot read `policies`: no such file or directory

        0 checks: 0 fail, 0 unknown, 0 not applicable, 0 pass
        exit 5: some files are unreadable or invalid; nothing was evaluated
    "#]],
    );
}

#[cfg(unix)]
#[test]
fn a_link_to_nowhere_in_a_folder_is_fatal() {
    let folder = folder(&[
        ("harbour.cedarschema", SCHEMA.as_bytes()),
        ("policies/p.cedar", POLICIES.as_bytes()),
        ("captured/a.json", SOUND.as_bytes()),
    ]);
    std::os::unix::fs::symlink("nowhere", folder.path().join("captured/b.json")).expect("links can be made");
    let arguments =
        ["check", "captured", "--schema", "harbour.cedarschema", "--policies", "policies", "--now", NOW, "--quiet"];
    let run = command(folder.path()).args(arguments).output().expect("the binary is built").into();
    says(
        &run,
        &expect![[r#"
        unreadable

          × cannot read `captured/b.json`: no such file or directory

        4 checks: 0 fail, 0 unknown, 0 not applicable, 6 pass
        exit 5: some files are unreadable or invalid
    "#]],
    );
}

#[test]
fn standard_input_is_a_snapshot() {
    let files = [("harbour.cedarschema", SCHEMA.as_bytes()), ("policies/p.cedar", POLICIES.as_bytes())];
    let arguments =
        ["check", "-", "--schema", "harbour.cedarschema", "--policies", "policies", "--now", NOW, "--quiet"];
    says(
        &deodar_with_input(&files, &arguments, SOUND.as_bytes()),
        &expect![[r#"
        4 checks: 0 fail, 0 unknown, 0 not applicable, 6 pass
        exit 0: everything was judged, nothing failed at or above the threshold
    "#]],
    );
    says(
        &deodar_with_input(&files, &arguments, b"{"),
        &expect![[r#"
            snapshot-syntax

              × expected a property name in double quotes, the text ends here
               ╭─[(standard input):1:2]
             1 │ {
               · ┬
               · ╰── here
               ╰────
              help: the file may have been cut off

            4 checks: 0 fail, 0 unknown, 0 not applicable, 0 pass
            exit 5: some files are unreadable or invalid; nothing was evaluated
        "#]],
    );
}

#[test]
fn an_account_that_no_pack_knows_is_an_error() {
    says(
        &deodar(&[("s.json", b"{ \"colour\": \"blue\" }")], &["check", "s.json", "--now", NOW, "--quiet"]),
        &expect![[r#"
            no-pack

              × `s.json` has no property that pack moengage (built in) knows
               ╭─[s.json:1:1]
             1 │ { "colour": "blue" }
               · ▲
               · ╰── this document
               ╰────
              help: is it a snapshot? if it is one of another account, name its schema and
                    policies with --schema and --policies

            61 checks: 0 fail, 0 unknown, 0 not applicable, 0 pass
            exit 5: some files are unreadable or invalid; nothing was evaluated
        "#]],
    );
}

#[test]
fn a_schema_without_policies_is_no_pack() {
    let files = [("harbour.cedarschema", SCHEMA.as_bytes()), ("snapshot.json", SOUND.as_bytes())];
    let arguments = ["check", "snapshot.json", "--schema", "harbour.cedarschema", "--now", NOW, "--quiet"];
    says(
        &deodar(&files, &arguments),
        &expect![[r#"
        no-policy

          × a schema is given, and no policies
          help: name policy files or folders with --policies, or a pack with --pack

        0 checks: 0 fail, 0 unknown, 0 not applicable, 0 pass
        exit 5: some files are unreadable or invalid; nothing was evaluated
    "#]],
    );
}

#[test]
fn lines_may_end_with_carriage_returns() {
    snapshot(
        edited("\"length\": 12", "\"length\": \"12\"").replace('\n', "\r\n"),
        expect![[r#"
        snapshot-type

          × `length` is a string, expected a whole number
            ╭─[snapshot.json:14:66]
         13 │       "boats": [
         14 │         { "name": "Tern", "owner": "ada@anse.example", "length": "12", "light": "red", "pin": *** },
            ·                                                                  ──┬─
            ·                                                                    ╰── this is a string
         15 │         { "name": "Wren", "owner": "bo@anse.example", "length": 9, "light": "green" }
            ╰────
          help: write 12 without quotes

        4 checks: 0 fail, 1 unknown, 0 not applicable, 5 pass
        exit 5: some files are unreadable or invalid; some verdicts are unknown
    "#]],
    );
}

#[test]
fn policies_and_schema_may_have_carriage_returns() {
    let policies = replaced(POLICIES, "@severity(\"low\")", "@severity(\"lo\")").replace('\n', "\r\n");
    says(
        &harbour_by(&SCHEMA.replace('\n', "\r\n"), &policies, SOUND, &["--quiet"]),
        &expect![[r#"
        policy-severity

          × unknown severity `lo`
           ╭─[policies/harbour.cedar:8:11]
         7 │ @title("The snapshot is fresh")
         8 │ @severity("lo")
           ·           ────
         9 │ forbid (principal, action == Action::"audit", resource is Harbour)
           ╰────
          help: did you mean `low`?

        4 checks: 0 fail, 0 unknown, 0 not applicable, 5 pass
        exit 5: some files are unreadable or invalid
    "#]],
    );
}

// Policies

#[test]
fn a_policy_that_does_not_parse_does_not_hide_its_neighbours() {
    policies(
        &replaced(POLICIES, "resource.owner.active }", "resource.owner..active }"),
        expect![[r#"
        policy-syntax

          × unexpected token `.`
            ╭─[policies/harbour.cedar:26:25]
         25 │ forbid (principal, action == Action::"audit", resource is Boat)
         26 │ unless { resource.owner..active };
            ·                         ┬
            ·                         ╰── expected identifier
            ╰────

        3 checks: 0 fail, 0 unknown, 0 not applicable, 4 pass
        exit 5: some files are unreadable or invalid
    "#]],
    );
}

#[test]
fn a_policy_that_does_not_validate_does_not_hide_its_neighbours() {
    policies(
        &replaced(POLICIES, "resource.owner.active }", "resource.owner.aktive }"),
        expect![[r#"
        policy-invalid

          × for policy `HB-OWN-01`, attribute `aktive` on entity type `Person` not
          │ found
            ╭─[policies/harbour.cedar:26:10]
         25 │ forbid (principal, action == Action::"audit", resource is Boat)
         26 │ unless { resource.owner.aktive };
            ·          ─────────────────────
            ╰────
          help: did you mean `active`?

        4 checks: 0 fail, 0 unknown, 0 not applicable, 4 pass
        exit 5: some files are unreadable or invalid
    "#]],
    );
}

#[test]
fn a_template_is_no_check() {
    policies(
        &replaced(POLICIES, "resource is Pier)\nunless", "resource in ?resource)\nunless"),
        expect![[r#"
        policy-template

          × a template cannot be a check: it has a slot that nothing fills
            ╭─[policies/harbour.cedar:28:1]
         27 │
         28 │ @id("HB-PIER-01")
            · ────────┬────────
            ·         ╰── this policy has a slot
         29 │ @title("A pier is not crowded")
            ╰────
          help: write the entity or condition in place of the `?` slot

        3 checks: 0 fail, 0 unknown, 0 not applicable, 5 pass
        exit 5: some files are unreadable or invalid
    "#]],
    );
}

#[test]
fn a_policy_has_an_id() {
    policies(
        &replaced(POLICIES, "@id(\"HB-OWN-01\")\n", ""),
        expect![[r#"
        policy-id

          × policy without `@id`
            ╭─[policies/harbour.cedar:24:1]
         23 │ @iso_27001("A.5.9, A.5.18")
         24 │ forbid (principal, action == Action::"audit", resource is Boat)
            · ───┬──
            ·    ╰── this policy
         25 │ unless { resource.owner.active };
            ╰────
          help: give it a name that never changes, as @id("ORG-AUTH-01")

        3 checks: 0 fail, 0 unknown, 0 not applicable, 4 pass
        exit 5: some files are unreadable or invalid
    "#]],
    );
}

#[test]
fn an_id_stands_once_in_all_files() {
    let again = check_on_piers("@id(\"HB-OWN-01\") @title(\"Again\") @severity(\"low\")", "");
    let again = again.strip_prefix(POLICIES).expect("it follows");
    let files = [
        ("harbour.cedarschema", SCHEMA.as_bytes()),
        ("policies/a.cedar", POLICIES.as_bytes()),
        ("policies/b.cedar", again.as_bytes()),
        ("snapshot.json", SOUND.as_bytes()),
    ];
    says(
        &deodar(&files, &[&HARBOUR[..], &["--quiet"]].concat()),
        &expect![[r#"
        policy-id

          × two policies have the id `HB-OWN-01`
           ╭─[policies/b.cedar:2:1]
         1 │
         2 │ @id("HB-OWN-01") @title("Again") @severity("low")
           · ────────┬───────
           ·         ╰── again here
         3 │ forbid (principal, action == Action::"audit", resource is Pier)
           ╰────

          ☞ see also
            ╭─[policies/a.cedar:21:1]
         20 │
         21 │ @id("HB-OWN-01")
            · ────────┬───────
            ·         ╰── first here
         22 │ @title("The owner of a boat is active")
            ╰────

        4 checks: 0 fail, 0 unknown, 0 not applicable, 6 pass
        exit 5: some files are unreadable or invalid
    "#]],
    );
}

#[test]
fn an_unknown_annotation_comes_with_a_suggestion() {
    policies(
        &replaced(POLICIES, "@severity(\"medium\")", "@severity(\"medium\")\n@remedation(\"Move one.\")"),
        expect![[r#"
        policy-annotation

          × unknown annotation `@remedation`
            ╭─[policies/harbour.cedar:31:1]
         30 │ @severity("medium")
         31 │ @remedation("Move one.")
            · ────────────────────────
         32 │ forbid (principal, action == Action::"audit", resource is Pier)
            ╰────
          help: did you mean `@remediation`?

        4 checks: 0 fail, 0 unknown, 0 not applicable, 6 pass
        exit 5: some files are unreadable or invalid
    "#]],
    );
}

#[test]
fn an_unknown_severity_comes_with_a_suggestion() {
    policies(
        &replaced(POLICIES, "@severity(\"medium\")", "@severity(\"medum\")"),
        expect![[r#"
        policy-severity

          × unknown severity `medum`
            ╭─[policies/harbour.cedar:30:11]
         29 │ @title("A pier is not crowded")
         30 │ @severity("medum")
            ·           ───────
         31 │ forbid (principal, action == Action::"audit", resource is Pier)
            ╰────
          help: did you mean `medium`?

        4 checks: 0 fail, 0 unknown, 0 not applicable, 5 pass
        exit 5: some files are unreadable or invalid
    "#]],
    );
}

#[test]
fn a_check_has_a_title() {
    policies(
        &replaced(POLICIES, "@title(\"A pier is not crowded\")\n", ""),
        expect![[r#"
            policy-annotation

              × check `HB-PIER-01` has no `@title`
                ╭─[policies/harbour.cedar:30:1]
             29 │ @severity("medium")
             30 │ forbid (principal, action == Action::"audit", resource is Pier)
                · ───┬──
                ·    ╰── this check
             31 │ unless { resource.boats <= context.parameters.max_boats };
                ╰────
              help: say in one line what the check demands, such as @title("Disks are
                    encrypted")

            4 checks: 0 fail, 0 unknown, 0 not applicable, 5 pass
            exit 5: some files are unreadable or invalid
        "#]],
    );
}

#[test]
fn a_check_has_a_severity() {
    policies(
        &replaced(POLICIES, "@severity(\"medium\")\n", ""),
        expect![[r#"
            policy-annotation

              × check `HB-PIER-01` has no `@severity`
                ╭─[policies/harbour.cedar:30:1]
             29 │ @title("A pier is not crowded")
             30 │ forbid (principal, action == Action::"audit", resource is Pier)
                · ───┬──
                ·    ╰── this check
             31 │ unless { resource.boats <= context.parameters.max_boats };
                ╰────
              help: add @severity("high"), or `low`, `medium` or `critical`

            4 checks: 0 fail, 0 unknown, 0 not applicable, 5 pass
            exit 5: some files are unreadable or invalid
        "#]],
    );
}

#[test]
fn a_derivation_computes_a_derived_attribute() {
    policies(
        &replaced(POLICIES, "@derives(\"boats\")", "@derives(\"length\")"),
        expect![[r#"
            derivation-target

              × `Pier` has no `@derived` attribute `length`
               ╭─[policies/harbour.cedar:2:10]
             1 │ @id("boats")
             2 │ @derives("length")
               ·          ────────
             3 │ permit (principal is Boat, action == Action::"derive", resource is Pier)
               ╰────
              help: valid: `boats`

            derivation-missing

              × nothing derives `Pier.boats`, which `HB-PIER-01` needs
                ╭─[policies/harbour.cedar:32:10]
             31 │ forbid (principal, action == Action::"audit", resource is Pier)
             32 │ unless { resource.boats <= context.parameters.max_boats };
                ·          ───────┬──────
                ·                 ╰── read here
                ╰────
              help: write a `permit` for `derive` with @derives("boats")

            4 checks: 0 fail, 0 unknown, 0 not applicable, 5 pass
            exit 5: some files are unreadable or invalid
        "#]],
    );
}

#[test]
fn a_derivation_says_of_which_types_it_speaks() {
    policies(
        &replaced(POLICIES, "permit (principal is Boat,", "permit (principal,"),
        expect![[r#"
            derivation-scope

              × derivation `boats` does not say of which type its principal is
               ╭─[policies/harbour.cedar:2:1]
             1 │ @id("boats")
             2 │ @derives("boats")
               · ─────────────────
             3 │ permit (principal, action == Action::"derive", resource is Pier)
               ╰────
              help: write `principal is T` in its scope

            check-not-run

              × `HB-PIER-01` is not run: it needs `Pier.boats`, whose derivation `boats`
              │ is invalid
               ╭─[policies/harbour.cedar:2:10]
             1 │ @id("boats")
             2 │ @derives("boats")
               ·          ───┬───
               ·             ╰── derived here
             3 │ permit (principal, action == Action::"derive", resource is Pier)
               ╰────
                ╭─[policies/harbour.cedar:32:10]
             31 │ forbid (principal, action == Action::"audit", resource is Pier)
             32 │ unless { resource.boats <= context.parameters.max_boats };
                ·          ───────┬──────
                ·                 ╰── read here
                ╰────

            4 checks: 0 fail, 0 unknown, 0 not applicable, 5 pass
            exit 5: some files are unreadable or invalid
        "#]],
    );
}

#[test]
fn derivations_that_need_each_other_are_an_error() {
    let schema =
        replaced(SCHEMA, "  @derived\n  boats: Long,", "  @derived\n  boats: Long,\n  @derived\n  crews: Long,");
    let circle = replaced(
        POLICIES,
        "when { principal in resource };",
        "when { principal in resource && resource.crews > 0 };\n\n@id(\"crews\")\n@derives(\"crews\")\npermit (principal is Boat, action == Action::\"derive\", resource is Pier)\nwhen { resource.boats > 0 };",
    );
    says(
        &harbour_by(&schema, &circle, SOUND, &["--quiet"]),
        &expect![[r#"
            derivation-cycle

              × derived attributes need each other: `boats`, `crews`
               ╭─[policies/harbour.cedar:2:10]
             1 │ @id("boats")
             2 │ @derives("boats")
               ·          ───┬───
               ·             ╰── on the cycle
             3 │ permit (principal is Boat, action == Action::"derive", resource is Pier)
               ╰────
               ╭─[policies/harbour.cedar:7:10]
             6 │ @id("crews")
             7 │ @derives("crews")
               ·          ───┬───
               ·             ╰── on the cycle
             8 │ permit (principal is Boat, action == Action::"derive", resource is Pier)
               ╰────
              help: one of them must be derived from what the snapshot holds

            check-not-run

              × `HB-PIER-01` is not run: it needs `Pier.crews`, whose derivations need
              │ each other
               ╭─[policies/harbour.cedar:4:33]
             3 │ permit (principal is Boat, action == Action::"derive", resource is Pier)
             4 │ when { principal in resource && resource.crews > 0 };
               ·                                 ───────┬──────
               ·                                        ╰── read here
               ╰────

            check-not-run

              × `HB-PIER-01` is not run: it needs `Pier.boats`, whose derivations need
              │ each other
                ╭─[policies/harbour.cedar:37:10]
             36 │ forbid (principal, action == Action::"audit", resource is Pier)
             37 │ unless { resource.boats <= context.parameters.max_boats };
                ·          ───────┬──────
                ·                 ╰── read here
                ╰────

            4 checks: 0 fail, 0 unknown, 0 not applicable, 5 pass
            exit 5: some files are unreadable or invalid
        "#]],
    );
}

#[test]
fn a_derived_attribute_that_nobody_derives_is_an_error() {
    policies(
        POLICIES
            .split_once("@id(\"HB-AGE")
            .map(|(_, rest)| "@id(\"HB-AGE".to_owned() + rest)
            .as_deref()
            .expect("it is there"),
        expect![[r#"
            derivation-missing

              × nothing derives `Pier.boats`, which `HB-PIER-01` needs
                ╭─[policies/harbour.cedar:27:10]
             26 │ forbid (principal, action == Action::"audit", resource is Pier)
             27 │ unless { resource.boats <= context.parameters.max_boats };
                ·          ───────┬──────
                ·                 ╰── read here
                ╰────
              help: write a `permit` for `derive` with @derives("boats")

            4 checks: 0 fail, 0 unknown, 0 not applicable, 5 pass
            exit 5: some files are unreadable or invalid
        "#]],
    );
}

#[test]
fn a_waiver_is_refused_and_not_ignored() {
    policies(
        &format!(
            "{POLICIES}\n@id(\"W-1\") @waives(\"HB-OWN-01\") @reason(\"r\") @owner(\"o\") @expires(\"2026-12-31\")\npermit (principal, action == Action::\"audit\", resource is Boat);\n"
        ),
        expect![[r#"
        policy-role

          × `W-1` is a waiver, and this version reads none
            ╭─[policies/harbour.cedar:35:1]
         34 │ @id("W-1") @waives("HB-OWN-01") @reason("r") @owner("o") @expires("2026-12-31")
         35 │ permit (principal, action == Action::"audit", resource is Boat);
            · ──────
            ╰────

        4 checks: 0 fail, 0 unknown, 0 not applicable, 6 pass
        exit 5: some files are unreadable or invalid
    "#]],
    );
}

#[test]
fn a_permit_for_the_audit_is_no_check() {
    policies(
        &format!("{POLICIES}\n@id(\"P-1\")\npermit (principal, action == Action::\"audit\", resource is Boat);\n"),
        expect![[r#"
        policy-role

          × `P-1` permits `audit`, which only a waiver does
            ╭─[policies/harbour.cedar:35:1]
         34 │ @id("P-1")
         35 │ permit (principal, action == Action::"audit", resource is Boat);
            · ──────
            ╰────
          help: by this schema a check is a `forbid` for `Action::"audit"`, a
                derivation a `permit` for `Action::"derive"` with `@derives`

        4 checks: 0 fail, 0 unknown, 0 not applicable, 6 pass
        exit 5: some files are unreadable or invalid
    "#]],
    );
}

#[test]
fn a_check_of_what_a_broken_policy_would_derive_is_invalid() {
    let more = |clause: &str| {
        format!(
            "{POLICIES}\n@id(\"more\") @derives(\"boats\")\npermit (principal is Person, action == Action::\"derive\", resource is Pier) when {{ {clause} }};\n"
        )
    };
    let start = POLICIES.find("@id(\"HB-AGE").expect("it is there");
    for policies in [
        POLICIES[start..].to_owned(),
        replaced(POLICIES, "principal in resource", "principal in resorce"),
        replaced(POLICIES, "principal in resource", "principal.crew > 1"),
        replaced(POLICIES, "(principal is Boat,", "(principal,"),
        more("principal.aktive"),
    ] {
        let report = harbour_by(SCHEMA, &policies, SOUND, &["--format", "json"]).json();
        assert_eq!(report["run"]["exit_code"], 5, "{policies}");
        let states = report["checks"].as_array().expect("a list").iter();
        let invalid: Vec<&Value> =
            states.filter(|check| check["state"] == "invalid").map(|check| &check["id"]).collect();
        assert_eq!(invalid, ["HB-PIER-01"], "{policies}");
        assert_eq!(report["findings"], json!([]), "{policies}");
    }
}

// Schemas

#[test]
fn an_entity_type_has_a_path() {
    schema(
        &replaced(SCHEMA, "@path(\"/people/*\")\n", ""),
        expect![[r#"
        schema-path

          × entity type `Person` has no `@path`
            ╭─[harbour.cedarschema:11:1]
         10 │ @key("email")
         11 │ entity Person in [Harbour] = {
            · ──────────────────────────────
         12 │   email: String,
            ╰────
          help: say where in a snapshot its instances are, as @path("/members/*"), or
                @path("") for the document itself

        0 checks: 0 fail, 0 unknown, 0 not applicable, 0 pass
        exit 5: some files are unreadable or invalid; nothing was evaluated
    "#]],
    );
}

#[test]
fn a_schema_has_one_root() {
    schema(
        &replaced(SCHEMA, "@path(\"/people/*\")", "@path(\"\")"),
        expect![[r#"
        schema-path

          × `Harbour` and `Person` have the same `@path`
           ╭─[harbour.cedarschema:5:1]
         4 │ @key("name")
         5 │ entity Harbour = {
           · ─────────┬────────
           ·          ╰── also here
         6 │   name: String,
           ╰────
            ╭─[harbour.cedarschema:12:1]
         11 │ @key("email")
         12 │ entity Person in [Harbour] = {
            · ──────────────────────────────
         13 │   email: String,
            ╰────
          help: one place in a snapshot holds instances of one type

        0 checks: 0 fail, 0 unknown, 0 not applicable, 0 pass
        exit 5: some files are unreadable or invalid; nothing was evaluated
    "#]],
    );
}

#[test]
fn a_schema_has_a_root() {
    schema(
        &replaced(SCHEMA, "@path(\"\")", "@path(\"/harbour\")"),
        expect![[r#"
        schema-root

          × no entity type has `@path("")`: one must be the document itself
           ╭─[harbour.cedarschema:1:1]
         1 │ entity Light enum ["red", "green", "white"];
           · ▲
           ╰────

        0 checks: 0 fail, 0 unknown, 0 not applicable, 0 pass
        exit 5: some files are unreadable or invalid; nothing was evaluated
    "#]],
    );
}

#[test]
fn a_path_starts_with_a_slash() {
    schema(
        &replaced(SCHEMA, "@path(\"/people/*\")", "@path(\"people/*\")"),
        expect![[r#"
        schema-path

          × a path starts with `/`, as in `/people/*`
            ╭─[harbour.cedarschema:10:1]
          9 │
         10 │ @path("people/*")
            · ─────────────────
         11 │ @key("email")
            ╰────

        0 checks: 0 fail, 0 unknown, 0 not applicable, 0 pass
        exit 5: some files are unreadable or invalid; nothing was evaluated
    "#]],
    );
}

#[test]
fn an_unknown_reader_comes_with_a_suggestion() {
    schema(
        &replaced(SCHEMA, "email-domain", "mail-domain"),
        expect![[r#"
            schema-reader

              × unknown reader `mail-domain`
                ╭─[harbour.cedarschema:16:3]
             15 │   @path("email")
             16 │   @as("mail-domain")
                ·   ──────────────────
             17 │   domain: String,
                ╰────
              help: did you mean `email-domain`?

            0 checks: 0 fail, 0 unknown, 0 not applicable, 0 pass
            exit 5: some files are unreadable or invalid; nothing was evaluated
        "#]],
    );
}

#[test]
fn an_unknown_schema_annotation_comes_with_a_suggestion() {
    schema(
        &replaced(SCHEMA, "@closed", "@close"),
        expect![[r#"
        schema-annotation

          × unknown annotation `@close`
            ╭─[harbour.cedarschema:51:1]
         50 │ @key("number")
         51 │ entity Buoy in [Harbour] = {
            · ────────────────────────────
         52 │   number: Long,
            ╰────
          help: did you mean `@closed`?

        0 checks: 0 fail, 0 unknown, 0 not applicable, 0 pass
        exit 5: some files are unreadable or invalid; nothing was evaluated
    "#]],
    );
}

#[test]
fn a_default_has_the_type_of_its_parameter() {
    schema(
        &replaced(SCHEMA, "@default(\"14d\")", "@default(\"a fortnight\")"),
        expect![[r#"
            schema-parameter

              × `a fortnight` is not a duration: expected whole numbers of d, h, m, s and
              │ ms, in that order, such as 14d or 1h30m
                ╭─[harbour.cedarschema:57:3]
             56 │ type Parameters = {
             57 │   @default("a fortnight")
                ·   ───────────────────────
             58 │   max_age: duration,
                ╰────

            0 checks: 0 fail, 0 unknown, 0 not applicable, 0 pass
            exit 5: some files are unreadable or invalid; nothing was evaluated
        "#]],
    );
}

#[test]
fn an_enclosing_entity_is_one_it_lies_in() {
    schema(
        &replaced(SCHEMA, "@enclosing\n  pier: Pier,", "@enclosing\n  pier: Person,"),
        expect![[r#"
        schema-enclosing

          × `Boat` is not nested in `Person`
            ╭─[harbour.cedarschema:39:3]
         38 │   @enclosing
         39 │   pier: Person,
            ·   ────────────
         40 │   name: String,
            ╰────

        0 checks: 0 fail, 0 unknown, 0 not applicable, 0 pass
        exit 5: some files are unreadable or invalid; nothing was evaluated
    "#]],
    );
}

#[test]
fn nesting_is_declared() {
    schema(
        &replaced(SCHEMA, "entity Boat in [Pier]", "entity Boat in [Harbour]"),
        expect![[r#"
            schema-nesting

              × instances of `Boat` are nested in `Pier`, but the declaration lacks `in`
                ╭─[harbour.cedarschema:37:1]
             36 │ @key("name")
             37 │ entity Boat in [Harbour] = {
                · ────────────────────────────
             38 │   @enclosing
                ╰────
              help: write `entity Boat in [Pier]`

            0 checks: 0 fail, 0 unknown, 0 not applicable, 0 pass
            exit 5: some files are unreadable or invalid; nothing was evaluated
        "#]],
    );
}

#[test]
fn a_schema_declares_the_audit() {
    schema(
        &replaced(SCHEMA, "action \"audit\"", "action \"adit\""),
        expect![[r#"
        schema-action

          × the schema declares no action `audit`
           ╭─[harbour.cedarschema:1:1]
         1 │ entity Light enum ["red", "green", "white"];
           · ▲
           ╰────
          help: checks forbid `audit`: write `action "audit" appliesTo { principal:
                [Root], resource: [...], context: {...} };`

        0 checks: 0 fail, 0 unknown, 0 not applicable, 0 pass
        exit 5: some files are unreadable or invalid; nothing was evaluated
    "#]],
    );
}

#[test]
fn a_schema_that_is_no_cedar_says_where() {
    schema(
        &replaced(SCHEMA, "entity Pier", "entty Pier"),
        expect![[r#"
        schema-invalid

          × error parsing schema: unexpected token `entty`
            ╭─[harbour.cedarschema:27:1]
         26 │ @key("id")
         27 │ entty Pier in [Harbour] = {
            · ──┬──
            ·   ╰── expected `@`, `action`, `entity`, `external`, `namespace`, or `type`
         28 │   id: String,
            ╰────

        0 checks: 0 fail, 0 unknown, 0 not applicable, 0 pass
        exit 5: some files are unreadable or invalid; nothing was evaluated
    "#]],
    );
}

#[test]
fn a_secret_is_no_id() {
    schema(
        &replaced(
            SCHEMA,
            "@enclosing\n  pier: Pier,\n  name: String,",
            "@enclosing\n  pier: Pier,\n  @secret\n  name: String,",
        ),
        expect![[r#"
        schema-secret

          × a secret cannot be an id
            ╭─[harbour.cedarschema:41:3]
         40 │   @secret
         41 │   name: String,
            ·   ────────────
         42 │   owner: Person,
            ╰────
          help: findings name entities by their ids: choose another `@key`

        0 checks: 0 fail, 0 unknown, 0 not applicable, 0 pass
        exit 5: some files are unreadable or invalid; nothing was evaluated
    "#]],
    );
}

#[test]
fn a_secret_is_no_reference() {
    schema(
        &replaced(SCHEMA, "  owner: Person,", "  @secret\n  owner: Person,"),
        expect![[r#"
        schema-secret

          × a secret cannot be a reference
            ╭─[harbour.cedarschema:42:3]
         41 │   @secret
         42 │   owner: Person,
            ·   ─────────────
         43 │   length: Long,
            ╰────
          help: findings name the entities they are about: hold a secret as a String

        0 checks: 0 fail, 0 unknown, 0 not applicable, 0 pass
        exit 5: some files are unreadable or invalid; nothing was evaluated
    "#]],
    );
}

#[test]
fn an_annotation_inside_a_set_is_not_ignored() {
    schema(
        &replaced(SCHEMA, "flags: Set<String>", "flags: Set<{ @secret code: String }>"),
        expect![[r#"
        schema-annotation

          × `@secret` means nothing inside a set
            ╭─[harbour.cedarschema:30:24]
         29 │   length: Long,
         30 │   flags: Set<{ @secret code: String }>,
            ·                        ────────────
         31 │   @derived
            ╰────
          help: elements of a set are read whole: put it on the attribute, or give
                them an entity type

        0 checks: 0 fail, 0 unknown, 0 not applicable, 0 pass
        exit 5: some files are unreadable or invalid; nothing was evaluated
    "#]],
    );
}

// Arguments

#[test]
fn an_unknown_parameter_comes_with_a_suggestion() {
    arguments(
        &["--param", "max_boat=3"],
        expect![[r#"
        parameter

          × there is no parameter `max_boat`
          help: did you mean `max_boats`?

        4 checks: 0 fail, 0 unknown, 0 not applicable, 6 pass
        exit 5: some files are unreadable or invalid
    "#]],
    );
}

#[test]
fn a_parameter_has_a_value_of_its_type() {
    arguments(
        &["--param", "max_age=a fortnight"],
        expect![[r#"
            parameter

              × `a fortnight` is no value for parameter `max_age`, a duration
              help: expected whole numbers of d, h, m, s and ms, in that order, such as
                    14d or 1h30m

            4 checks: 0 fail, 1 unknown, 0 not applicable, 5 pass
            exit 5: some files are unreadable or invalid; some verdicts are unknown
        "#]],
    );
}

#[test]
fn a_selection_that_matches_nothing_is_an_error() {
    arguments(
        &["--only", "HB-OWN-02"],
        expect![[r#"
        selection

          × no check is called `HB-OWN-02`
          help: did you mean `HB-OWN-01`?

        4 checks: 0 fail, 0 unknown, 0 not applicable, 0 pass
        exit 5: some files are unreadable or invalid; nothing was evaluated
    "#]],
    );
}

#[test]
fn a_pattern_that_matches_nothing_is_an_error() {
    arguments(
        &["--skip", "MOE-*"],
        expect![[r#"
        selection

          × no check is called `MOE-*`
          help: valid are ids, patterns as `MOE-AUTH-*`, and severities; `deodar list`
                shows them

        4 checks: 0 fail, 0 unknown, 0 not applicable, 6 pass
        exit 5: some files are unreadable or invalid
    "#]],
    );
}

#[test]
fn ids_are_not_broken_at_their_hyphens() {
    let run = deodar(&[], &["explain", "nonsense"]);
    assert!(run.stderr.contains("`MOE-AUTH-05`"), "{}", run.stderr);
    assert!(!run.stderr.lines().any(|line| line.ends_with('-')), "{}", run.stderr);
}

#[test]
fn an_unknown_pack_comes_with_a_suggestion() {
    says(
        &deodar(&[("s.json", b"{}")], &["check", "s.json", "--pack", "moengaje", "--now", NOW, "--quiet"]),
        &expect![[r#"
        no-pack

          × there is no pack `moengaje`
          help: did you mean `moengage`?

        0 checks: 0 fail, 0 unknown, 0 not applicable, 0 pass
        exit 5: some files are unreadable or invalid; nothing was evaluated
    "#]],
    );
}

#[test]
fn wrong_usage_ends_with_2() {
    for arguments in [
        &[][..],
        &["check"],
        &["chekc", "s.json"],
        &["check", "s.json", "--now", "yesterday"],
        &["check", "s.json", "--param", "novalue"],
        &["check", "s.json", "--threads", "0"],
        &["check", "s.json", "--fail-on", "urgent"],
        &["check", "s.json", "--format", "yaml"],
        &["check", "s.json", "--quiet", "--verbose"],
        &["check", "-", "--watch"],
        &["explain", "HB-NONE-01"],
    ] {
        let run = deodar(&[("s.json", SOUND.as_bytes())], arguments);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{arguments:?}: {run:?}");
        assert!(!run.stderr.is_empty(), "{arguments:?}");
    }
}

// Exit codes

#[test]
fn of_several_exit_codes_the_first_of_5_1_4_3_wins() {
    let fails = ("\"length\": 12", "\"length\": 41");
    let open = ("\"active\": true, \"site\"", "\"site\"");
    let broken = ("\"captured_at\": \"2026", "\"captured_at\": \"zzz");
    for (edits, arguments, code) in [
        (&[][..], &[][..], 0),
        (&[fails], &[], 1),
        (&[open], &[], 4),
        (&[fails, open], &[], 1),
        (&[fails, open, broken], &[], 5),
        (&[broken], &["--allow-unknown"], 5),
        (&[open], &["--allow-unknown"], 0),
        (&[fails, open], &["--allow-unknown"], 1),
        (&[fails], &["--fail-on", "high"], 1),
        (&[fails], &["--fail-on", "critical"], 0),
        (&[fails, open], &["--fail-on", "critical"], 4),
        (&[fails], &["--only", "HB-OWN-01"], 0),
        (&[fails], &["--skip", "HB-LEN-*"], 0),
        (&[fails], &["--only", "high"], 1),
        (&[], &["--only", "HB-OWN-01", "--skip", "critical"], 3),
        (&[], &["--only", "HB-NONE-01"], 5),
    ] {
        let text = edits.iter().fold(SOUND.to_owned(), |text, (from, to)| replaced(&text, from, to));
        for format in ["text", "json"] {
            let run = harbour(&text, &[&["--format", format], arguments].concat());
            assert_eq!(run.code, code, "{edits:?} {arguments:?}\n{}", run.stdout);
        }
    }
}

#[test]
fn every_status_that_holds_is_told() {
    let text = [
        ("\"length\": 12", "\"length\": 41"),
        ("\"active\": true, \"site\"", "\"site\""),
        ("\"fee\": 12.5", "\"fee\": []"),
    ]
    .iter()
    .fold(SOUND.to_owned(), |text, (from, to)| replaced(&text, from, to));
    let report = harbour(text, &["--format", "json"]).json();
    assert_eq!(report["run"]["statuses"], serde_json::json!(["invalid_input", "findings", "incomplete"]));
}

// Streams

#[cfg(unix)]
fn in_a_shell(script: &str) -> Run {
    let long = edited("\"length\": 12", "\"length\": 41");
    let folder = folder(&[
        ("harbour.cedarschema", SCHEMA.as_bytes()),
        ("policies/harbour.cedar", POLICIES.as_bytes()),
        ("snapshot.json", long.as_bytes()),
    ]);
    let script = script.replace("DEODAR", &format!("'{}' {}", env!("CARGO_BIN_EXE_deodar"), HARBOUR.join(" ")));
    let output = std::process::Command::new("sh").args(["-c", &script]).current_dir(folder.path()).output();
    output.expect("there is a shell").into()
}

#[cfg(unix)]
#[test]
fn a_standard_error_that_nobody_reads_changes_no_exit_code() {
    let run = in_a_shell("{ DEODAR 2>&1 >report; echo $? >code; } | true; cat code");
    assert_eq!(run.stdout, "1\n", "{run:?}");
    let run = in_a_shell("DEODAR 2>&- >report; echo $?");
    assert_eq!(run.stdout, "1\n", "{run:?}");
}

// What is never shown

/// Looks for a secret in everything a run writes, in every form.
fn hides(schema: &str, policies: &str, snapshot: impl AsRef<[u8]>, secret: &str) {
    for more in [
        &["--verbose"][..],
        &["--format", "json"],
        &["--verbose", "--color", "always"],
        &["--verbose", "--engine", "reference"],
    ] {
        let run = harbour_by(schema, policies, snapshot.as_ref(), more);
        let shown = run.stdout.contains(secret) || run.stderr.contains(secret);
        assert!(!shown, "{secret} is shown with {more:?}:\n{}{}", run.stdout, run.stderr);
    }
}

/// A check that fails on every boat and reads its pin.
fn reads_pin(clauses: &str) -> String {
    format!(
        "{POLICIES}\n@id(\"PIN\") @title(\"Pin\") @severity(\"low\")\nforbid (principal, action == Action::\"audit\", resource is Boat)\n{clauses};\n"
    )
}

#[test]
fn a_secret_that_a_check_reads_is_masked() {
    for clauses in [
        "when { resource has pin && resource.pin != \"0\" }",
        "when { resource has pin && [resource.pin].contains(resource.pin) }",
        "when { resource has pin && { p: resource.pin }.p like \"*\" }",
        "when { resource.length > 0 }",
    ] {
        hides(SCHEMA, &reads_pin(clauses), SOUND, "7091");
        let one_line = SOUND.replace('\n', " ");
        hides(SCHEMA, &reads_pin(clauses), one_line, "7091");
    }
}

#[test]
fn a_secret_beside_a_mistake_is_masked() {
    for (from, to) in [
        ("\"length\": 12", "\"length\": \"12\""),
        ("\"name\": \"Wren\"", "\"name\": \"Tern\""),
        ("\"owner\": \"ada@anse.example\"", "\"owner\": \"adaa@anse.example\""),
        ("\"red\"", "\"rad\""),
        ("\"length\": 12, ", ""),
        ("\"pin\": \"7091\"", "\"pin\": \"7091\", \"pin\": \"7091\""),
    ] {
        hides(SCHEMA, POLICIES, edited(from, to), "7091");
    }
}

#[test]
fn a_secret_of_the_wrong_type_is_masked() {
    for wrong in ["7091", "[\"7091\"]", "{ \"is\": \"7091\" }", "\"7091\\ud83d\""] {
        hides(
            SCHEMA,
            &reads_pin("when { resource has pin && resource.pin != \"0\" }"),
            edited("\"7091\"", wrong),
            "7091",
        );
    }
    for (ty, wrong) in [
        ("Long", "\"7091\""),
        ("Light", "\"7091\""),
        ("datetime", "\"7091\""),
        ("Set<Light>", "[\"7091\"]"),
        ("Set<datetime>", "[\"2026-09-01\", \"7091\"]"),
        ("{ is: String }", "\"7091\""),
        ("{ is: String }", "7091"),
        ("{ is: String }", "{ \"is\": \"7091\" }"),
        ("{ is: Long }", "{ \"is\": \"7091\" }"),
        ("{ is: Long }", "{ \"iss\": \"7091\" }"),
        ("{ is: Long }", "{ \"other\": \"7091\", \"is\": [] }"),
    ] {
        let schema = replaced(SCHEMA, "pin?: String", &format!("pin?: {ty}"));
        hides(&schema, POLICIES, edited("\"7091\"", wrong), "7091");
    }
}

#[test]
fn a_secret_written_with_escapes_is_masked() {
    let schema = replaced(SCHEMA, "pin?: String", "pin?: Light");
    let run = |snapshot: String| hides(&schema, POLICIES, snapshot, "7\"091");
    run(edited("\"7091\"", "\"7\\\"091\""));
    hides(&schema, POLICIES, edited("\"7091\"", "\"\\u0037091\""), "7091");
}

#[test]
fn a_secret_under_a_misspelt_name_is_masked() {
    for name in ["pinn", "Pin", "pni"] {
        let schema = replaced(SCHEMA, "pin?: String", "pin: String");
        let policies = reads_pin("when { resource.pin == \"1\" }");
        hides(&schema, &policies, edited("\"pin\"", &format!("\"{name}\"")), "7091");
        hides(SCHEMA, POLICIES, edited("\"pin\"", &format!("\"{name}\"")), "7091");
    }
}

#[test]
fn a_secret_in_a_document_that_cannot_be_read_is_masked() {
    let here = "\"light\": \"red\", \"pin\": \"7091\"";
    for broken in [
        "\"light\": red, \"pin\": \"7091\"",
        "\"light\": \"red\", \"pin\": \"7091\" \"x\": 1",
        "\"light\": \"red\", \"pin\": \"7091",
        "\"light\": \"red\",\n\"pin\": \"7091\",\n\"x\": no",
        "\"light\": \"red\",\n\"pin\":\n\"7091\",\n\"x\": no",
        "\"light\": \"red\", \"p\\u0069n\": \"7091\", \"x\": no",
        "\"light\": \"red\", \"pin\": 7091x",
    ] {
        hides(SCHEMA, POLICIES, edited(here, broken), "7091");
    }
    let text = edited(here, "\"light\": \"red\", \"pin\": \"7091\", \"x\": \"#\"");
    let bytes: Vec<u8> = text.bytes().map(|byte| if byte == b'#' { 0xFF } else { byte }).collect();
    hides(SCHEMA, POLICIES, bytes, "7091");
}

#[test]
fn a_secret_that_two_attributes_read_is_masked_in_both() {
    let schema =
        replaced(SCHEMA, "pin?: String", "pin?: String,\n  @path(\"pin\")\n  @as(\"casefold\")\n  folded?: String");
    let check = reads_pin("when { resource has folded && resource.folded != \"0\" }");
    hides(&schema, &check, SOUND, "7091");
}

#[test]
fn characters_that_command_a_terminal_do_not_reach_it() {
    for wild in ["\\u001b[2J", "\\u009b2J", "\u{9b}2J", "\u{7f}", "\\u0007", "\u{202e}", "\\u202e", "\\r", "\\u0085"] {
        for (from, to) in [
            ("\"Wren\"", format!("\"Tern{wild}\"")),
            ("\"owner\": \"ada@anse.example\"", format!("\"owner\": \"{wild}ada@anse.example\"")),
            ("\"green\"", format!("\"green{wild}\"")),
            ("\"fuel\"", format!("\"{wild}\"")),
            ("\"buoys\": []", format!("\"buoys\": [], \"buoys{wild}\": 1")),
            ("\"length\": 12", format!("\"{wild}\": 1, \"length\": 41")),
        ] {
            let check = check_on_piers(
                "@id(\"FLAGS\") @title(\"Flags\") @severity(\"low\")",
                "when { resource.flags.contains(\"\") || resource.length > 0 }",
            );
            let check = replaced(&check, "resource.owner.active }", "!resource.owner.active }");
            let buoys = to.contains("buoys");
            let schema = if buoys { replaced(SCHEMA, "@path(\"\")", "@closed @path(\"\")") } else { SCHEMA.to_owned() };
            let run = harbour_by(&schema, &check, edited(from, &to), &["--verbose"]);
            let commands = |c: char| {
                (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            };
            let found = run.stdout.chars().chain(run.stderr.chars()).find(|c| commands(*c));
            assert_eq!(found, None, "{from} => {to}:\n{}", run.stdout.escape_debug());
        }
    }
}

#[test]
fn carriage_returns_between_values_do_not_reach_the_terminal() {
    let run = harbour(edited("\"length\": 12", "\r\"length\":\r41"), &["--verbose"]);
    assert!(!run.stdout.contains('\r'), "{}", run.stdout.escape_debug());
}

#[test]
fn excerpts_of_a_document_on_one_line_stay_short() {
    let boat =
        |n: usize| format!("{{\"name\":\"B{n}\",\"owner\":\"ada@anse.example\",\"length\":41,\"light\":\"red\"}}");
    let boats: Vec<String> = (0..2000).map(boat).collect();
    let at = SOUND.find("\"boats\": [").expect("it is there");
    let end = SOUND[at..].find("]\n").expect("it ends") + at;
    let text = format!("{}\"boats\": [{}{}", &SOUND[..at], boats.join(","), &SOUND[end..]).replace('\n', "");
    let long = "x".repeat(5000);
    for (from, to) in [
        ("\"flags\"", "\"flags\"".to_owned()),
        ("\"fuel\"", "7".to_owned()),
        ("2026-08-31T06:00:00Z", long.clone()),
        ("\"red\"", format!("\"{long}\"")),
    ] {
        let run = harbour(replaced(&text, from, &to), &["--verbose", "--max-findings", "3"]);
        let longest = run.stdout.lines().map(|line| line.chars().count()).max();
        assert!(longest < Some(400), "{longest:?} with {:?}", to.get(..20));
        assert!(run.stdout.len() < 40_000, "{} with {:?}", run.stdout.len(), to.get(..20));
    }
}

#[test]
fn where_nothing_was_judged_one_line_stands_for_the_scorecard() {
    let run = harbour("{", &[]);
    assert_eq!(run.code, 5, "{run:?}");
    assert!(run.stdout.contains("–  no resources for any of the 4 checks"), "{}", run.stdout);
    assert!(!run.stdout.contains("HB-LEN-01"), "{}", run.stdout);
    let sound = harbour(SOUND, &[]);
    assert!(sound.stdout.contains("HB-LEN-01") && !sound.stdout.contains("none of the"), "{}", sound.stdout);
}
