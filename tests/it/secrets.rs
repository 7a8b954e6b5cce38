//! The masking law: no byte at or below a secret is in any output.
//!
//! Random schemas have secrets of every kind. Random documents hold a marker wherever a secret is, may be, or would be
//! in place of something damaged. Every format is searched for the marker, of checks and of cases.

use deodar::cases::{self, CaseFile, Suite, TestOptions};
use deodar::check::{SnapshotInput, SnapshotInputs};
use deodar::diagnostic::has_errors;
use deodar::pack::Pack;
use deodar::render::{Detail, FORMATS, Outputs, Presentation, Style};
use deodar::report::Engine;
use deodar::source::Source;
use deodar::{Inputs, Options, Session};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;

/// Texts that no output may contain, in lower case.
const MARKERS: [&str; 4] = ["hush", "771357", "77.13.57", "7713-05"];

/// The time of every run.
const NOW: i64 = 1_788_220_800_000;

/// Random choices; the seed makes a case again.
struct Dice(u64);

impl Dice {
    fn below(&mut self, count: usize) -> usize {
        // SplitMix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % count.max(1) as u64) as usize
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn of<'f, T: ?Sized>(&mut self, from: &[&'f T]) -> &'f T {
        from[self.below(from.len())]
    }
}

/// A kind of attribute: its type, a condition on it, a public value, and a secret value.
struct Kind {
    ty: &'static str,
    condition: &'static str,
    plain: &'static str,
    marked: &'static str,
}

const KINDS: [Kind; 17] = [
    Kind { ty: "String", condition: "# == \"x\"", plain: "\"calm\"", marked: "\"HUSH one\"" },
    Kind { ty: "Long", condition: "# > 3", plain: "7", marked: "771357" },
    Kind { ty: "Mode", condition: "# == Mode::\"on\"", plain: "\"on\"", marked: "\"HUSH\"" },
    Kind { ty: "datetime", condition: "# < context.now", plain: "\"2026-01-01\"", marked: "\"7713-05-07\"" },
    Kind { ty: "datetime", condition: "# > context.now", plain: "\"2026-01-01\"", marked: "\"HUSH\"" },
    Kind { ty: "duration", condition: "# < duration(\"1d\")", plain: "\"2d\"", marked: "\"771357d\"" },
    Kind { ty: "decimal", condition: "#.lessThan(decimal(\"1.0\"))", plain: "0.5", marked: "771357.25" },
    Kind { ty: "ipaddr", condition: "#.isLoopback()", plain: "\"127.0.0.1\"", marked: "\"77.13.57.9\"" },
    Kind { ty: "ipaddr", condition: "#.isLoopback()", plain: "\"::1\"", marked: "\"77.13.57.999\"" },
    Kind { ty: "Set<String>", condition: "#.contains(\"x\")", plain: "[\"x\"]", marked: "[\"HUSH\", \"HUSH b\"]" },
    Kind { ty: "Set<Mode>", condition: "#.contains(Mode::\"on\")", plain: "[\"on\"]", marked: "[\"on\", \"HUSH\"]" },
    Kind {
        ty: "Set<{ inner: String }>",
        condition: "#.contains({ inner: \"x\" })",
        plain: "[]",
        marked: "[{ \"inner\": \"HUSH\", \"HUSH\": 1 }]",
    },
    Kind {
        ty: "{ inner: String, deep: { leaf: Long } }",
        condition: "#.inner == \"x\" || #.deep.leaf > 3",
        plain: "{ \"inner\": \"a\", \"deep\": { \"leaf\": 1 } }",
        marked: "{ \"inner\": \"HUSH\", \"deep\": { \"leaf\": 771357, \"HUSH\": 1 }, \"iner\": \"HUSH\" }",
    },
    Kind {
        ty: "{ inner: String, @secret hidden: String }",
        condition: "#.hidden == \"x\" || #.inner == \"y\"",
        plain: "{ \"inner\": \"a\", \"hidden\": \"HUSH\" }",
        marked: "{ \"inner\": \"HUSH\", \"hidden\": \"HUSH\\u0021\" }",
    },
    Kind { ty: "@as(\"casefold\") String", condition: "# == \"x\"", plain: "\"Calm\"", marked: "\"HUSH Loud\"" },
    Kind { ty: "@as(\"email\") String", condition: "# == \"x@x\"", plain: "\"a@b.example\"", marked: "\"HUSH a@b\"" },
    Kind {
        ty: "@as(\"email-local-words\") Set<String>",
        condition: "#.contains(\"x\")",
        plain: "\"a@b.example\"",
        marked: "\"HUSH a@b\"",
    },
];

const SECRET_NAMES: [&str; 5] = ["passphrase", "api_token", "recovery", "seedWords", "pin-code"];
const PLAIN_NAMES: [&str; 4] = ["status", "colour", "quota", "language"];

/// An attribute of a type.
struct Attribute {
    name: String,
    property: String,
    /// An object around the property.
    around: Option<&'static str>,
    kind: &'static Kind,
    optional: bool,
    secret: bool,
}

/// A type with its place in the document.
struct Type {
    name: &'static str,
    path: &'static str,
    key: bool,
    parent: Option<&'static str>,
    attributes: Vec<Attribute>,
}

struct Case {
    types: Vec<Type>,
    closed: bool,
}

impl Case {
    fn new(dice: &mut Dice) -> Self {
        let places = [
            ("Account", "", false, None),
            ("Member", "/members/*", true, Some("Account")),
            ("Device", "/members/*/devices/*", false, Some("Member")),
            ("Vault", "/safe/vault", false, Some("Account")),
        ];
        let types = places.map(|(name, path, key, parent)| {
            let mut attributes = Vec::new();
            for at in 0..2 + dice.below(3) {
                let secret = at == 0 || dice.one_in(3);
                let names = if secret { &SECRET_NAMES[..] } else { &PLAIN_NAMES };
                let property = dice.of(names).to_owned();
                let name = property.replace('-', "_");
                if attributes.iter().any(|known: &Attribute| known.name == name) {
                    continue;
                }
                let around = dice.one_in(3).then_some("login");
                let kind = &KINDS[dice.below(KINDS.len())];
                attributes.push(Attribute { name, property, around, kind, optional: dice.one_in(2), secret });
            }
            Type { name, path, key, parent, attributes }
        });
        Self { types: types.into(), closed: dice.one_in(4) }
    }

    fn schema(&self) -> String {
        let mut text = "entity Mode enum [\"on\", \"off\"];\n".to_owned();
        for ty in &self.types {
            let _ = writeln!(text, "@path(\"{}\")", ty.path);
            if ty.key {
                text.push_str("@key(\"id\")\n");
            }
            if self.closed {
                text.push_str("@closed\n");
            }
            let parent = ty.parent.map(|parent| format!(" in [{parent}]")).unwrap_or_default();
            let _ = writeln!(text, "entity {}{parent} = {{", ty.name);
            if ty.key {
                text.push_str("  id: String,\n");
            }
            for Attribute { name, property, around, kind, optional, secret } in &ty.attributes {
                let path = around.map_or(property.clone(), |around| format!("{around}/{property}"));
                let (note, ty) = kind.ty.split_once(") ").map_or(("", kind.ty), |(note, ty)| (note, ty));
                let note = if note.is_empty() { String::new() } else { format!("{note}) ") };
                let (secret, optional) = (if *secret { "@secret " } else { "" }, if *optional { "?" } else { "" });
                let _ = writeln!(text, "  @path(\"{path}\") {secret}{note}{name}{optional}: {ty},");
            }
            text.push_str("};\n");
        }
        let names: Vec<&str> = self.types.iter().map(|ty| ty.name).collect();
        let _ = writeln!(text, "type Context = {{ now: datetime }};");
        let names = names.join(", ");
        let _ = writeln!(
            text,
            "action \"audit\" appliesTo {{ principal: [Account], resource: [{names}], context: Context }};"
        );
        text
    }

    fn policies(&self) -> String {
        let mut text = String::new();
        for ty in &self.types {
            for Attribute { name, kind, optional, .. } in &ty.attributes {
                let condition = kind.condition.replace('#', &format!("resource.{name}"));
                let condition = if *optional { format!("resource has {name} && ({condition})") } else { condition };
                for (id, clause) in [("A", "when"), ("B", "unless")] {
                    let _ = writeln!(
                        text,
                        "@id(\"{}-{name}-{id}\") @title(\"T\") @severity(\"low\") @soc2(\"CC1.1\")\n\
                         forbid (principal, action == Action::\"audit\", resource is {}) {clause} {{ {condition} }};",
                        ty.name, ty.name
                    );
                }
            }
        }
        text
    }

    /// The document: properties in order, so that one may be duplicated.
    fn document(&self, dice: &mut Dice) -> Json {
        let mut root = self.instance(dice, 0, "");
        let mut members = Vec::new();
        for at in 0..1 + dice.below(2) {
            let mut member = self.instance(dice, 1, &format!("m{at}"));
            let devices = (0..dice.below(3)).map(|_| self.instance(dice, 2, "")).collect();
            let devices = list(dice, devices);
            member.put("devices", damaged(dice, devices, 14));
            members.push(member);
        }
        let members = list(dice, members);
        root.put("members", damaged(dice, members, 14));
        let vault = self.instance(dice, 3, "");
        let vault = damaged(dice, vault, 14);
        let safe = Json::Object(vec![("vault".to_owned(), vault)]);
        root.put("safe", damaged(dice, safe, 14));
        slips(dice, root)
    }

    fn instance(&self, dice: &mut Dice, ty: usize, id: &str) -> Json {
        let ty = &self.types[ty];
        let mut object = Json::Object(Vec::new());
        if ty.key {
            object.put("id", Json::Raw(format!("\"{id}\"")));
        }
        let mut login = Vec::new();
        for attribute in &ty.attributes {
            if dice.one_in(12) {
                continue;
            }
            let secret = attribute.secret;
            let value = match dice.below(8) {
                0 if secret => junk(dice),
                1 if !secret => Json::Raw("{ \"odd\": true }".to_owned()),
                2 => Json::Raw("null".to_owned()),
                _ => Json::Raw(if secret { attribute.kind.marked } else { attribute.kind.plain }.to_owned()),
            };
            match attribute.around {
                Some(_) => login.push((attribute.property.clone(), value)),
                None => object.put(&attribute.property, value),
            }
        }
        let holds = ty.attributes.iter().any(|it| it.around.is_some() && it.is_marked());
        if !login.is_empty() {
            let login = slips(dice, Json::Object(login));
            object.put("login", if holds { damaged(dice, login, 8) } else { login });
        }
        object.put("note", Json::Raw(if dice.one_in(5) { format!("\"{}\"", "n".repeat(150)) } else { "1".to_owned() }));
        slips(dice, object)
    }
}

impl Attribute {
    /// Whether a secret is at or below it.
    fn is_marked(&self) -> bool {
        self.secret || self.kind.ty.contains("@secret")
    }
}

/// A document that may be damaged.
#[derive(Clone)]
enum Json {
    Raw(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    fn put(&mut self, name: &str, value: Json) {
        if let Json::Object(properties) = self {
            properties.push((name.to_owned(), value));
        }
    }

    fn write(&self, dice: &mut Dice, blank: &str, depth: usize, out: &mut String) {
        let (children, ends): (Vec<(Option<&str>, &Json)>, [char; 2]) = match self {
            Json::Raw(text) => return out.push_str(text),
            Json::Array(items) => (items.iter().map(|item| (None, item)).collect(), ['[', ']']),
            Json::Object(all) => (all.iter().map(|(name, value)| (Some(name.as_str()), value)).collect(), ['{', '}']),
        };
        out.push(ends[0]);
        for (at, (name, value)) in children.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            out.push_str(blank);
            out.push_str(&" ".repeat(if blank.is_empty() { 0 } else { depth * 2 }));
            if let Some(name) = name {
                let (first, rest) = name.split_at(name.chars().next().map_or(0, char::len_utf8));
                match first.chars().next().filter(|_| dice.one_in(12)) {
                    Some(c) => out.push_str(&format!("\"\\u{:04x}{rest}\":", u32::from(c))),
                    None => out.push_str(&format!("\"{name}\":")),
                }
            }
            value.write(dice, blank, depth + 1, out);
        }
        out.push_str(blank);
        out.push(ends[1]);
    }
}

/// Something in place of a secret, or of what is around one.
fn junk(dice: &mut Dice) -> Json {
    let raw = [
        "\"HUSH\"",
        "771357",
        "[\"HUSH\", 771357]",
        "{ \"HUSH\": \"HUSH\" }",
        "{ \"value\": { \"text\": \"HUSH\" } }",
        "[{ \"inner\": \"HUSH\" }]",
        "[[{ \"inner\": \"HUSH\" }]]",
        "\"HUSH\\ud83d\"",
        "\"\\u0048USH HUSH\"",
        "{\n\"inner\":\n\"HUSH\"\n}",
        "{ \"error\": \"HUSH\" }",
    ];
    Json::Raw(dice.of(&raw).to_owned())
}

/// A value around secrets, sometimes of another shape.
fn damaged(dice: &mut Dice, value: Json, seldom: usize) -> Json {
    if !dice.one_in(seldom) {
        return value;
    }
    match dice.below(5) {
        0 => Json::Array(vec![value]),
        1 => Json::Object(vec![("items".to_owned(), value), ("total".to_owned(), Json::Raw("1".to_owned()))]),
        2 => Json::Object(vec![("data".to_owned(), Json::Object(vec![("items".to_owned(), value)]))]),
        // Names of properties around a secret are no part of it: in a map of instances they are ids.
        _ => match junk(dice) {
            Json::Raw(text) => Json::Raw(text.replace("\"HUSH\":", "\"name\":")),
            other => other,
        },
    }
}

/// Instances as a list, as a map, or alone; some of them of another shape.
fn list(dice: &mut Dice, instances: Vec<Json>) -> Json {
    let instances: Vec<Json> = instances.into_iter().map(|instance| damaged(dice, instance, 10)).collect();
    match dice.below(8) {
        0 => {
            Json::Object(instances.into_iter().enumerate().map(|(at, instance)| (format!("k{at}"), instance)).collect())
        }
        1 => instances.into_iter().next().unwrap_or(Json::Raw("null".to_owned())),
        _ => Json::Array(instances),
    }
}

/// An object whose properties are sometimes misspelt or given twice.
fn slips(dice: &mut Dice, object: Json) -> Json {
    let Json::Object(mut properties) = object else { return object };
    if !properties.is_empty() && dice.one_in(4) {
        let at = dice.below(properties.len());
        let (name, value) = properties[at].clone();
        let slip = match dice.below(6) {
            0 => name.to_uppercase(),
            1 => name.replace(['_', '-'], ""),
            2 => format!("{name}s"),
            3 => name.chars().skip(1).collect(),
            4 => format!("{}_{}", &name[..1], &name[1..]),
            _ => name.clone(),
        };
        match dice.below(2) {
            0 => properties[at].0 = slip,
            _ => properties.push((slip, value)),
        }
    }
    Json::Object(properties)
}

/// The text of a document, sometimes no JSON.
fn broken(dice: &mut Dice, text: String) -> String {
    let mut at = dice.below(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    match dice.below(12) {
        0 => text[..at].to_owned(),
        1 => format!("{}{}", &text[..at], text[at..].chars().skip(1).collect::<String>()),
        2 => format!("{}\"{}", &text[..at], &text[at..]),
        3 => format!("{}{}{}", &text[..at], dice.of(&["}", "]", ",", "x", "\n", "\\", ":", "{"]), &text[at..]),
        _ => text,
    }
}

fn source(name: &str, text: &str) -> Arc<Source> {
    Source::new(name, text).expect("it is small")
}

fn style(detail: Detail, width: usize) -> Style {
    Style { width, color: width < 100, detail }
}

struct One(Option<SnapshotInput>);

impl Iterator for One {
    type Item = SnapshotInput;

    fn next(&mut self) -> Option<SnapshotInput> {
        self.0.take()
    }
}

impl SnapshotInputs for One {}

/// The outputs of a case: names and texts.
type Texts = Vec<(String, String)>;

fn text_of(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("outputs are UTF-8")
}

/// Everything that a check writes, in every format.
fn checked(inputs: &Inputs, snapshot: &Arc<Source>, seen: &mut Seen) -> Texts {
    let mut outputs = Texts::new();
    for (engine, by) in [(Engine::Compiled, None), (Engine::Compiled, Some("soc2")), (Engine::Reference, None)] {
        let styles = [(Detail::Quiet, 100), (Detail::Normal, 60), (Detail::Verbose, 200)];
        let presented = styles.iter().flat_map(|style| FORMATS.iter().map(move |format| (*style, format)));
        let presented: Vec<_> = presented.collect();
        let mut written = vec![Vec::new(); presented.len()];
        let mut together = Outputs::default();
        for (((detail, width), format), out) in presented.iter().zip(&mut written) {
            let presentation =
                Presentation { style: style(*detail, *width), most_findings: usize::MAX, ..Presentation::default() };
            together = together.and(format.open(&presentation), out);
        }
        let options = Options { engine, by: by.map(Into::into), needs: together.needs(), ..Options::at(NOW) };
        let delivery = SnapshotInput::new(snapshot.name().to_owned(), Ok(Arc::clone(snapshot)));
        let report = Session::default().stream(inputs, &mut One(Some(delivery)), &options, &mut |report, accounts| {
            together.accounts(report, accounts)
        });
        let report = report.expect("memory takes everything");
        together.finish(&report).expect("memory takes everything");
        let mut aside = Vec::new();
        together.aside(&report, &mut aside).expect("memory takes everything");
        drop(together);
        let invalid = report.diagnostics.iter().find(|found| found.code.name().starts_with("schema"));
        assert!(invalid.is_none(), "{invalid:?}\n{}", inputs.schema.text());
        seen.codes.extend(report.diagnostics.iter().map(|found| found.code.name()));
        seen.findings += report.findings().len();
        for (((detail, _), format), out) in presented.iter().zip(written) {
            outputs.push((format!("{}, {detail:?}, {engine:?}, {by:?}", format.name), text_of(out)));
        }
        outputs.push((format!("beside, {engine:?}, {by:?}"), text_of(aside)));
    }
    outputs
}

/// Everything that cases write which start from the snapshot and put secrets into it.
fn tested(dice: &mut Dice, case: &Case, inputs: &Inputs, snapshot: &Arc<Source>) -> Texts {
    let mut cases = String::from("base = \"snapshot.json\"\nnow = \"2026-09-01T12:00:00Z\"\n");
    cases.push_str("[pointers]\nfirst = \"/members/0\"\n\n");
    let values =
        ["\"HUSH\"", "771357", "[\"HUSH\", 771357]", "{ inner = \"HUSH\", HUSH = 1 }", "{ deep.leaf = \"HUSH\" }"];
    for at in 0..3 {
        let ty = &case.types[dice.below(2)];
        let attribute = &ty.attributes[0];
        let place = match (ty.name, dice.below(2)) {
            ("Member", 0) => "first/",
            ("Member", _) => "/members/0/",
            _ => "/",
        };
        let path = attribute.around.map(|around| format!("{around}/")).unwrap_or_default() + &attribute.property;
        let check = format!("{}-{}-A", ty.name, attribute.name);
        let edit = match dice.below(8) {
            0 => format!("set = {{ \"{place}{path}\" = {} }}", dice.of(&values)),
            1 => format!("set.\"{place}{path}\" = {}", dice.of(&values)),
            // In a damaged instance an added property would make the others plain ones.
            2 if place == "/" && attribute.around.is_none() => {
                format!("add = {{ \"{place}{path}\" = {} }}", dice.of(&values))
            }
            3 => {
                let property = &case.types[1].attributes[0].property;
                format!("append = {{ \"/members\" = {{ id = \"new\", {property} = \"HUSH\" }} }}")
            }
            4 => format!("set = {{ \"{place}{path}/nothing\" = 1 }}"),
            5 => format!("each = [{{ set = {{ \"{place}{path}\" = \"HUSH\" }} }}, {{ nul = [] }}]"),
            6 => format!("set = {{ \"{place}{path}\" = \"HUSH }}"),
            _ => format!("remove = [\"{place}{path}\"]"),
        };
        let target = dice.of(&["", " Member m0", " Member m9", " /members/7", " Nothing"]);
        let verdict = dice.of(&["fail", "pass", "unknown"]);
        let edit = if edit.starts_with("each") || !dice.one_in(6) { edit } else { format!("{edit}\nodd = 1") };
        let _ =
            writeln!(cases, "[[case]]\nname = \"c{at}\"\n{edit}\nexpect = {{ \"{check}{target}\" = \"{verdict}\" }}");
        let _ = writeln!(cases, "no_other_failures = true\n");
    }
    let file = source("cases.test.toml", &cases);
    let (file, wrong) = CaseFile::parse(&file, &mut |_| Ok(Arc::clone(snapshot)));
    let (pack, problems) = Pack::compile(inputs.sources());
    let suite = pack.filter(|_| !has_errors(&problems)).map(Suite::new);
    let suite = suite.expect("schema and policies are valid");
    let choice = TestOptions { coverage: true, ..TestOptions::default() };
    let mut outcome = suite.run(std::slice::from_ref(&file), &choice);
    outcome.diagnostics.extend(wrong);
    let mut outputs = Texts::new();
    let mut out = Vec::new();
    cases::text::write(&outcome, style(Detail::Normal, 120), &mut out).expect("memory takes everything");
    outputs.push(("cases as text".to_owned(), text_of(out)));
    let mut out = Vec::new();
    cases::json::write(&outcome, std::slice::from_ref(&file), &mut out).expect("memory takes everything");
    outputs.push(("cases as JSON".to_owned(), text_of(out)));
    let mut out = Vec::new();
    cases::junit::write(&outcome, &mut out).expect("memory takes everything");
    outputs.push(("cases as JUnit".to_owned(), text_of(out)));
    let new = cases::blessed(&file, &outcome.trials);
    outputs.push(("the difference".to_owned(), cases::diff(&file, &new, outcome.secret_paths.as_deref())));
    outputs
}

/// Counts of the search, so that it is not idle.
#[derive(Default)]
struct Seen {
    codes: BTreeSet<&'static str>,
    findings: usize,
    masks: usize,
    marked: usize,
    unread: usize,
    cases: usize,
}

fn searched(seed: u64, seen: &mut Seen) {
    let mut dice = Dice(seed);
    let case = Case::new(&mut dice);
    let (schema, policies) = (case.schema(), case.policies());
    let document = case.document(&mut dice);
    let mut written = String::new();
    let blank = dice.of(&["\n", " ", "", "\r\n"]);
    document.write(&mut dice, blank, 1, &mut written);
    let whole = source("snapshot.json", &written);
    let snapshot = source("snapshot.json", &broken(&mut dice, written));
    let inputs =
        Inputs::new(source("secrets.cedarschema", &schema), vec![source("secrets.cedar", &policies)], Vec::new());
    seen.marked += usize::from(MARKERS.iter().any(|marker| snapshot.text().to_lowercase().contains(marker)));
    let mut outputs = checked(&inputs, &snapshot, seen);
    outputs.extend(tested(&mut dice, &case, &inputs, &whole));
    seen.cases += 1;
    seen.unread += usize::from(serde_json::from_str::<serde_json::Value>(snapshot.text()).is_err());
    for (format, output) in outputs {
        seen.masks += output.matches("***").count();
        let small = output.to_lowercase();
        let found = MARKERS.iter().find(|marker| small.contains(*marker));
        let lines: Vec<&str> =
            output.lines().filter(|line| found.is_some_and(|found| line.to_lowercase().contains(found))).collect();
        assert!(
            found.is_none(),
            "seed {seed}, {format}: {}\n\n{schema}\n{}\n\n{output}",
            lines.join("\n"),
            snapshot.text()
        );
    }
}

/// How many cases are searched: `PROPTEST_CASES` says so here, too.
fn cases_searched() -> u64 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(400)
}

#[test]
fn no_byte_of_a_secret_is_in_any_output() {
    let mut seen = Seen::default();
    (0..cases_searched()).for_each(|seed| searched(seed, &mut seen));
    assert!(seen.marked * 2 > seen.cases, "{} of {} documents hold a marker", seen.marked, seen.cases);
    assert!(seen.unread * 20 > seen.cases, "{} of {} documents are no JSON", seen.unread, seen.cases);
    assert!(seen.findings > seen.cases, "{} findings of {} documents", seen.findings, seen.cases);
    assert!(seen.masks > 20 * seen.cases, "{} masks in {} documents", seen.masks, seen.cases);
    for code in [
        "snapshot-duplicate-key",
        "snapshot-property",
        "snapshot-syntax",
        "snapshot-type",
        "snapshot-value",
        "snapshot-key",
    ] {
        assert!(seen.codes.contains(code), "{code} is not among {:?}", seen.codes);
    }
}

/// The text report on a document, by a schema with a secret next to a value that fails.
fn reported(document: &str) -> String {
    let schema = "@path(\"\") entity Account = { on: Bool, @secret pin: String };\n\
        type Context = { now: datetime };\n\
        action \"audit\" appliesTo { principal: [Account], resource: [Account], context: Context };";
    let policy = "@id(\"ON\") @title(\"On\") @severity(\"low\")\n\
        forbid (principal, action == Action::\"audit\", resource is Account) unless { resource.on };\n\
        @id(\"PIN\") @title(\"Pin\") @severity(\"low\")\n\
        forbid (principal, action == Action::\"audit\", resource is Account) unless { resource.pin == \"\" };";
    let inputs = Inputs::new(
        source("secrets.cedarschema", schema),
        vec![source("secrets.cedar", policy)],
        vec![source("snapshot.json", document)],
    );
    let report = Session::default().run(&inputs, &Options::at(NOW));
    crate::support::written(&report, "text", style(Detail::Verbose, 120))
}

#[test]
fn the_length_of_a_secret_changes_no_report() {
    for document in [
        "{\"on\":false,\"pin\":\"#\",\"x\":1}".to_owned(),
        format!("{{\"a\":\"{}\",\"on\":false,\"pin\":\"#\",\"b\":\"{}\"}}", "a".repeat(300), "b".repeat(300)),
        "{\n  \"on\": false,\n  \"pin\": \"#\",\n  \"x\": 1\n}".to_owned(),
    ] {
        let [short, long, longest] = [1, 50, 1000].map(|length| reported(&document.replace('#', &"p".repeat(length))));
        assert!(short.contains("pin is ***") && short.contains("\": ***") || short.contains("\":***"), "{short}");
        assert!(short == long && short == longest, "{short}\n{long}\n{longest}");
    }
}
