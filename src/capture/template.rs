//! Templates: a commented YAML file with a line for every value that a schema reads, screen by screen.
//!
//! A template that is not filled in states nothing. A line without a value is `null`. Where `null` states something, the
//! line is a comment. Where a missing property states something too, the list `uncaptured` of its object has its name.

use super::description::Description;
use super::layout::{Lack, Spot};
use crate::catalogue;
use crate::pack::Pack;
use crate::render::plain;
use crate::schema::{Model, Ty};
use crate::snapshot::uncaptured::UNCAPTURED;
use crate::value::TypeId;
use std::collections::{BTreeMap, BTreeSet};

/// The width of comments.
const WIDTH: usize = 110;
/// Checks that a comment lists.
const LISTED: usize = 8;

/// The instances of a type that a template has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateInstances {
    /// The type.
    pub ty: TypeId,
    /// The ids.
    pub ids: Vec<String>,
}

/// Returns a template for the snapshots of a pack. For each list of the description without `instances`, it has the
/// expected instances of the type, or one without an id.
pub fn write(pack: &Pack, description: &Description, instances: &[TemplateInstances]) -> String {
    let model = pack.model();
    let document = Spot::document(model, description);
    let (checks, out) = (Checks::of(pack), String::new());
    let mut template = Template { model, description, instances, checks, out, screen: None, is_terse: false };
    template.head(&document);
    template.properties(&document, 0);
    template.out
}

/// Returns the values of a schema that are on no screen and that no source gives: types and pointers.
pub fn not_covered(model: &Model, description: &Description) -> Vec<String> {
    let document = Spot::document(model, description);
    let is_covered = |spot: &Spot| {
        let (ty, pointer) = &spot.of;
        description.screen_of(*ty, pointer).is_some() || description.feeds_of(*ty, pointer).next().is_some()
    };
    let lacking = document.values().into_iter().filter(|spot| !is_covered(spot));
    lacking.map(|spot| format!("{}: {}", model.short_name(spot.of.0), spot.of.1.join("/"))).collect()
}

/// The checks that read a value, or count instances of a type.
struct Checks {
    of_values: BTreeMap<(TypeId, Vec<String>), BTreeSet<String>>,
    of_types: BTreeMap<TypeId, BTreeSet<String>>,
}

impl Checks {
    fn of(pack: &Pack) -> Self {
        let mut checks = Self { of_values: BTreeMap::new(), of_types: BTreeMap::new() };
        for check in &pack.policies().checks {
            let id = check.statement.id.to_string();
            for (ty, slots) in catalogue::about(pack, check).reads {
                checks.of_types.entry(ty).or_default().insert(id.clone());
                for slot in slots {
                    let pointer = pack.model().ty(ty).slots.find(slot).and_then(|slot| slot.origin.pointer());
                    if let Some(pointer) = pointer {
                        checks.of_values.entry((ty, pointer.to_vec())).or_default().insert(id.clone());
                    }
                }
            }
        }
        checks
    }

    /// Returns a sentence about the checks that need a value.
    fn sentence(found: Option<&BTreeSet<String>>) -> Option<String> {
        let ids: Vec<&str> = found?.iter().map(String::as_str).collect();
        let more = ids.len().saturating_sub(LISTED);
        let listed = ids.get(..LISTED).unwrap_or(&ids).join(", ");
        Some(if more > 0 { format!("Needed by {listed} and {more} more.") } else { format!("Needed by {listed}.") })
    }
}

struct Template<'t> {
    model: &'t Model,
    description: &'t Description,
    instances: &'t [TemplateInstances],
    checks: Checks,
    out: String,
    /// The screen of the last heading.
    screen: Option<usize>,
    /// Whether values were described before, for another instance.
    is_terse: bool,
}

impl Template<'_> {
    fn head(&mut self, document: &Spot) {
        let instances = self.description.lists.iter().map(|list| format!("`{}`", list.flag));
        let lists = instances.collect::<Vec<_>>().join(" and ");
        self.comment(0, "Settings to transcribe. Write each value after its name. A name without a value was not captured, and verdicts that need it are unknown.");
        self.comment(0, &format!(
            "Some lines are comments, because an empty value would state something there. Remove the `#` to write a value. \
             A name in a list `{UNCAPTURED}` was not captured either: remove it from the list after you looked and found nothing."
        ));
        self.comment(
            0,
            "A list without entries is []. For the entries of a list, copy the lines of an entry, and remove the `#`.",
        );
        if !lists.is_empty() {
            self.comment(0, &format!("The entries of {lists} are those that were asked for."));
        }
        self.comment(0, "A snapshot contains no secrets: no keys, no tokens, no passwords.");
        self.blank();
        self.comment(0, "The screens, in walking order:");
        let used: BTreeSet<usize> = screens(document);
        for (number, screen) in self.description.screens.iter().enumerate().filter(|(at, _)| used.contains(at)) {
            let note = screen.note.as_ref().map(|note| format!(". {note}")).unwrap_or_default();
            self.comment(0, &format!("{}. {}{note}", number + 1, screen.title));
        }
    }

    /// Writes the properties of an object.
    fn properties(&mut self, spot: &Spot, indent: usize) {
        let is_listed = spot.instance.is_some_and(|ty| self.is_listed(ty));
        // The id of an instance is written before.
        let children = || spot.children.iter().filter(|child| !(is_listed && child.is_key));
        // Without a value, the object is null, and everything in it is uncaptured.
        let is_object = is_listed || children().any(|child| self.written(child) == Written::Value);
        let mut uncaptured: Vec<String> = Vec::new();
        for child in children() {
            let written = match self.written(child) {
                Written::Uncaptured if !is_object => Written::Comment,
                written => written,
            };
            self.property(child, written, indent);
            if written == Written::Uncaptured {
                uncaptured.push(key(&child.name));
            }
        }
        if !uncaptured.is_empty() {
            if !self.is_terse {
                self.blank();
            }
            self.line(indent, &format!("{UNCAPTURED}: [{}]", uncaptured.join(", ")));
        }
    }

    /// Returns how a property is written if its object has values.
    fn written(&self, spot: &Spot) -> Written {
        match (spot.null(self.model), spot.missing(self.model)) {
            _ if spot.list_type().is_some_and(|ty| self.is_listed(ty)) => Written::Value,
            (Lack::Unknown, _) => Written::Value,
            (Lack::Known, Lack::Unknown) => Written::Comment,
            (Lack::Known, Lack::Known) => Written::Uncaptured,
        }
    }

    fn is_listed(&self, ty: TypeId) -> bool {
        self.description.lists.iter().any(|list| list.ty == ty)
    }

    /// Writes a property.
    fn property(&mut self, spot: &Spot, written: Written, indent: usize) {
        if let Some(ty) = spot.list_type().filter(|ty| self.is_listed(*ty)) {
            return self.listed(spot, ty, indent);
        }
        self.heading(spot, indent);
        let is_plain_object = spot.slots.is_empty() && !spot.is_key && spot.each.is_none();
        let is_record = !spot.children.is_empty() && spot.each.is_none();
        if !is_plain_object && !self.is_terse {
            self.blank();
            self.describe(spot, indent);
            self.lacking(spot, written, indent);
        }
        let is_required =
            spot.slots.iter().all(|(ty, slot)| self.model.ty(*ty).slots.find(*slot).is_some_and(|it| it.required));
        match written {
            Written::Value if is_record && is_required => {
                if is_plain_object && !self.is_terse {
                    self.blank();
                }
                self.line(indent, &format!("{}:", key(&spot.name)));
                self.properties(spot, indent + 2);
            }
            Written::Value if self.value(spot).is_some() => {
                let value = self.value(spot).unwrap_or_default();
                self.line(indent, &format!("{}: {value}", key(&spot.name)));
            }
            Written::Value => {
                self.describe_inner(spot, indent);
                self.line(indent, &format!("{}:", key(&spot.name)));
                self.inner(spot, indent);
            }
            Written::Comment | Written::Uncaptured => {
                self.describe_inner(spot, indent);
                self.line(indent, &format!("# {}:", key(&spot.name)));
                self.inner(spot, indent);
            }
        }
    }

    /// Returns the value that a line has, if it has one.
    fn value(&self, spot: &Spot) -> Option<String> {
        self.fixed(spot)
    }

    /// Returns whether a place is the id of the document.
    fn is_root_id(&self, spot: &Spot) -> bool {
        spot.is_key && spot.of.0 == self.model.root
    }

    /// Returns the value that the description states for a property of the document.
    fn fixed(&self, spot: &Spot) -> Option<String> {
        let is_root = spot.of.0 == self.model.root;
        self.description
            .values
            .iter()
            .find(|value| is_root && value.pointer == spot.of.1)
            .map(|value| value.json.clone())
    }

    /// Writes a list with its instances.
    fn listed(&mut self, spot: &Spot, ty: TypeId, indent: usize) {
        let Some(each) = &spot.each else { return };
        let declared = self.model.ty(ty);
        let asked = self.instances.iter().find(|it| it.ty == ty && !it.ids.is_empty()).map(|it| it.ids.clone());
        let expected = || declared.expect.iter().map(ToString::to_string).collect::<Vec<_>>();
        let is_placeholder = asked.is_none() && declared.expect.is_empty();
        // A placeholder would be judged as an id, so the id is empty.
        let ids = match asked {
            Some(ids) => ids.into_iter().map(Some).collect(),
            None if is_placeholder => vec![None],
            None => expected().into_iter().map(Some).collect::<Vec<_>>(),
        };
        self.blank();
        self.heading(spot, indent);
        self.blank();
        if let Some(doc) = &declared.doc {
            self.comment(indent, doc);
        }
        if is_placeholder {
            self.comment(
                indent,
                "Write the id: an entry without one is an error. Copy the lines of the entry for each other one.",
            );
        }
        self.line(indent, &format!("{}:", key(&spot.name)));
        let property =
            declared.key.as_ref().and_then(|key_path| key_path.first()).map(|name| key(name)).unwrap_or_default();
        let was_terse = self.is_terse;
        for id in ids {
            self.blank();
            self.screen = None;
            let id = id.map(|id| format!(" {}", serde_json::Value::from(id))).unwrap_or_default();
            self.line(indent, &format!("- {property}:{id}"));
            self.properties(each, indent + 2);
            self.is_terse = true;
        }
        self.is_terse = was_terse;
    }

    /// Writes the heading of a screen where it changes.
    fn heading(&mut self, spot: &Spot, indent: usize) {
        let Some(number) = spot.screen.filter(|number| self.screen != Some(*number)) else { return };
        let Some(screen) = self.description.screens.get(number) else { return };
        self.screen = Some(number);
        self.blank();
        self.line(indent, &format!("# ---- {}. {}", number + 1, one_line(&screen.title)));
    }

    /// Writes the meaning of a value, its form, and the checks that need it.
    fn describe(&mut self, spot: &Spot, indent: usize) {
        let mut texts: Vec<String> = Vec::new();
        match spot.list_type() {
            Some(ty) => texts.extend(self.model.ty(ty).doc.as_ref().map(ToString::to_string)),
            None => texts.extend(spot.main_slot(self.model).and_then(|(_, doc)| doc).map(str::to_owned)),
        }
        texts.extend(self.form(spot).filter(|_| self.fixed(spot).is_none()));
        if self.is_root_id(spot) {
            texts.push("Write it: `deodar check` rejects a snapshot without it.".to_owned());
        }
        texts.extend(self.needed(spot));
        if !texts.is_empty() {
            self.comment(indent, &texts.join(" "));
        }
    }

    fn needed(&self, spot: &Spot) -> Option<String> {
        let of_value = self.checks.of_values.get(&spot.of);
        Checks::sentence(of_value.or_else(|| self.checks.of_types.get(&spot.list_type()?)))
    }

    /// Returns a sentence about the form of a value.
    fn form(&self, spot: &Spot) -> Option<String> {
        if spot.each.is_some() {
            return None;
        }
        let (slot, _) = spot.main_slot(self.model)?;
        self.form_of(&slot.ty).map(|form| format!("Write {form}."))
    }

    fn form_of(&self, ty: &Ty) -> Option<String> {
        let form = match ty {
            Ty::Bool => "true or false".to_owned(),
            Ty::String => return None,
            Ty::Long => "a whole number".to_owned(),
            Ty::Decimal => "a number such as 12.5".to_owned(),
            Ty::Datetime => "a date, or a time such as 2026-09-01T06:00:00Z".to_owned(),
            Ty::Duration => "a duration such as 14d or 1h30m".to_owned(),
            Ty::Ip => "an address or a CIDR range".to_owned(),
            Ty::Entity(ty) => match self.model.ty(*ty).choices() {
                Some(words) => words.iter().map(|word| scalar(word)).collect::<Vec<_>>().join(" | "),
                None => format!("the id of an entry of type {}", self.model.short_name(*ty)),
            },
            Ty::Set(element) => match self.form_of(element) {
                Some(form) if form.contains(" | ") => format!("a list of {form}"),
                Some(form) => format!("a list; an element is {form}"),
                None => "a list of texts".to_owned(),
            },
            Ty::Record(_) => return None,
        };
        Some(form)
    }

    /// Writes the meaning of a line without a value, where it states something.
    fn lacking(&mut self, spot: &Spot, written: Written, indent: usize) {
        let text = match (written, spot.missing(self.model)) {
            (Written::Comment, _) => {
                "Leave it a comment if you did not look. null means that you looked and found nothing."
            }
            (Written::Uncaptured, _) => {
                "If you looked and found nothing, leave it a comment, and remove its name from `uncaptured` below."
            }
            (Written::Value, Lack::Known) => "If you looked and found nothing, remove the line.",
            (Written::Value, Lack::Unknown) => return,
        };
        self.comment(indent, text);
    }

    /// Writes the meanings of the values in an entry or in a record whose lines are comments.
    fn describe_inner(&mut self, spot: &Spot, indent: usize) {
        if self.is_terse {
            return;
        }
        let inner = spot.each.as_deref().unwrap_or(spot);
        for value in inner.values() {
            let is_whole = value.of == inner.of && value.list_type().is_none() && !inner.children.is_empty();
            if std::ptr::eq(value, spot) || is_whole {
                continue;
            }
            let mut texts = Vec::new();
            texts.extend(value.main_slot(self.model).and_then(|(_, doc)| doc).map(str::to_owned));
            texts.extend(self.form(value));
            texts.extend(self.lacking_inner(value));
            let other = value.screen.filter(|screen| Some(*screen) != self.screen);
            let other = other.and_then(|at| Some((at, self.description.screens.get(at)?)));
            texts.extend(other.map(|(at, screen)| format!("Screen {}: {}.", at + 1, screen.title)));
            texts.extend(self.needed(value));
            let name = if value.of.1.is_empty() { "element".to_owned() } else { value.of.1.join("/") };
            let owner = if value.of.0 == inner.of.0 {
                String::new()
            } else {
                format!("{} ", self.model.short_name(value.of.0))
            };
            self.indented_comment(indent, &format!("{owner}{name}: {}", texts.join(" ")));
        }
    }

    fn lacking_inner(&self, spot: &Spot) -> Option<String> {
        let text = match (spot.null(self.model), spot.missing(self.model)) {
            (Lack::Unknown, Lack::Unknown) => return None,
            (Lack::Unknown, Lack::Known) => "Without the line there is none; an empty value was not captured.",
            (Lack::Known, Lack::Unknown) => {
                "null means that you looked and found nothing. Leave the line out otherwise."
            }
            (Lack::Known, Lack::Known) => "Without a value there is none.",
        };
        Some(text.to_owned())
    }

    /// Writes the lines of an entry, or of a record, as comments.
    fn inner(&mut self, spot: &Spot, indent: usize) {
        let mut lines = Vec::new();
        match &spot.each {
            Some(each) => element(self.model, each, &mut lines),
            None => spot.children.iter().for_each(|child| skeleton(self.model, child, 2, &mut lines)),
        }
        for line in lines {
            self.line(indent, &format!("# {line}"));
        }
    }

    fn line(&mut self, indent: usize, text: &str) {
        self.out.extend(std::iter::repeat_n(' ', indent));
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn blank(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    fn comment(&mut self, indent: usize, text: &str) {
        self.wrapped(indent, "# ", "# ", text);
    }

    fn indented_comment(&mut self, indent: usize, text: &str) {
        self.wrapped(indent, "#   ", "#     ", text);
    }

    fn wrapped(&mut self, indent: usize, first: &str, next: &str, text: &str) {
        let text = one_line(text);
        let options = textwrap::Options::new(WIDTH.saturating_sub(indent).max(40));
        let options = options.initial_indent(first).subsequent_indent(next).break_words(false);
        let options = options.word_splitter(textwrap::WordSplitter::NoHyphenation);
        let options = options.word_separator(textwrap::WordSeparator::AsciiSpace);
        for line in textwrap::wrap(&text, options) {
            self.line(indent, &line);
        }
    }
}

/// How a property was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    /// As a line without a value.
    Value,
    /// As a comment.
    Comment,
    /// As a comment, and it must be listed as uncaptured.
    Uncaptured,
}

/// Returns the screens of the values at and below a place.
fn screens(spot: &Spot) -> BTreeSet<usize> {
    spot.values().into_iter().filter_map(|value| value.screen).collect()
}

/// Adds the lines of an element of a list.
fn element(model: &Model, each: &Spot, lines: &mut Vec<String>) {
    if each.children.is_empty() {
        lines.push("-".to_owned());
        return;
    }
    let mut inner = Vec::new();
    let (keys, others): (Vec<&Spot>, Vec<&Spot>) = each.children.iter().partition(|child| child.is_key);
    keys.into_iter().chain(others).for_each(|child| skeleton(model, child, 0, &mut inner));
    let first = inner.iter().position(|line| !line.starts_with('#'));
    lines.extend(inner.into_iter().enumerate().map(|(at, line)| match Some(at) == first {
        true => format!("- {line}"),
        false => format!("  {line}"),
    }));
}

/// Adds the lines of a property that is a comment. A line whose empty value states something is a comment in the comment.
fn skeleton(model: &Model, spot: &Spot, indent: usize, lines: &mut Vec<String>) {
    let is_unsafe = spot.null(model) == Lack::Known && spot.missing(model) == Lack::Unknown;
    let mark = if is_unsafe { "# " } else { "" };
    let margin = " ".repeat(indent);
    lines.push(format!("{mark}{margin}{}:", key(&spot.name)));
    if let Some(each) = &spot.each {
        let mut inner = Vec::new();
        element(model, each, &mut inner);
        lines.extend(inner.into_iter().map(|line| format!("{mark}{margin}{line}")));
        return;
    }
    let mut inner = Vec::new();
    spot.children.iter().for_each(|child| skeleton(model, child, indent + 2, &mut inner));
    lines.extend(inner.into_iter().map(|line| format!("{mark}{line}")));
}

/// Returns a text on one line, without characters that YAML or a terminal interprets.
fn one_line(text: &str) -> String {
    plain(&text.split_whitespace().collect::<Vec<_>>().join(" ")).into_owned()
}

/// Returns the name of a property in YAML.
fn key(name: &str) -> String {
    let is_plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    let is_word =
        ["y", "n", "yes", "no", "on", "off", "true", "false", "null"].contains(&name.to_ascii_lowercase().as_str());
    if is_plain && !is_word { name.to_owned() } else { serde_json::Value::from(name).to_string() }
}

/// Returns a word of an enumerated type in YAML.
fn scalar(word: &str) -> String {
    key(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::PackSources;
    use crate::source::Source;

    const SCHEMA: &str = r#"
        @path("") @key("name") entity Club = { name: String, @path("rules/fee") fee: Long };
        entity Level enum ["low", "on"];
        @doc("A member. Screen of members.")
        @path("/people/*") @key("email")
        entity Person in [Club] = {
            email: String,
            @doc("Required: an empty value is not captured.") level: Level,
            @doc("Null is unknown.") @null("unknown") nick?: String,
            @doc("Missing is unknown.") @missing("unknown") @path("log/seen") seen?: datetime,
            @doc("Both state something.") @path("log/left") left?: datetime,
            @path("log/on") on: Bool,
            @path("log/only/one") one?: Bool,
            @doc("A record.") box?: { size: Long },
            @doc("A record with a default.") @missing("{\"deep\": 1}") pit: { deep: Long },
        };
        @path("/people/*/pets/*") entity Pet in [Person] = { kind: Level, @missing("unknown") born?: datetime };
        @path("/people/*/tags/*") @key("") @missing("[]") @null("[]") entity Tag in [Person] = {};
        action audit appliesTo { principal: [Club], resource: [Club, Person, Pet], context: {} };
    "#;

    const POLICIES: &str = r#"
        @id("C-1") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Person)
        when { resource.level == Level::"on" };
    "#;

    const SCREENS: &str = r#"
        [snapshot.values]
        "rules/fee" = 7
        [template]
        people = "Person"
        [[screens]]
        title = "Club"
        values = { Club = ["name", "rules/fee"] }
        [[screens]]
        title = "Members"
        values = { Person = ["email", "level", "nick", "box", "box/size", "pit", "pit/deep"], Tag = [""] }
        [[screens]]
        title = "The log"
        values = { Person = ["log/on", "log/seen", "log/left", "log/only/one"], Pet = ["kind", "born"] }
    "#;

    fn pack() -> (Pack, Description) {
        let source = |name: &str, text: &str| Source::new(name, text).unwrap();
        let policies = [source("p.cedar", POLICIES)];
        let schema = source("s.cedarschema", SCHEMA);
        let (pack, problems) = Pack::compile(PackSources { schema: &schema, policies: &policies, waivers: &[] });
        assert!(problems.is_empty(), "{problems:?}");
        let pack = pack.unwrap();
        let (description, problems) = Description::read(&source("capture.toml", SCREENS), pack.model());
        assert!(problems.is_empty(), "{problems:?}");
        (pack, description)
    }

    #[test]
    fn a_line_without_a_value_states_nothing() {
        let (pack, description) = pack();
        let ids = vec!["a: \"b\"".to_owned(), "c".to_owned()];
        let instances = [TemplateInstances { ty: description.lists[0].ty, ids }];
        let text = write(&pack, &description, &instances);
        let body = text.split_once("# 3. The log\n").unwrap().1;
        expect_test::expect![[r#"

            # ---- 1. Club

            # Write it: `deodar check` rejects a snapshot without it.
            name:

            rules:

              fee: 7

            # ---- 2. Members

            # A member. Screen of members.
            people:

            - email: "a: \"b\""

              # ---- 2. Members

              # Required: an empty value is not captured. Write low | "on". Needed by C-1.
              level:

              # Null is unknown.
              # If you looked and found nothing, remove the line.
              nick:

              # A record.
              # If you looked and found nothing, leave it a comment, and remove its name from `uncaptured` below.
              #   box/size: Write a whole number.
              # box:
              #   size:

              # A record with a default.
              # If you looked and found nothing, remove the line.
              pit:

                # Write a whole number.
                deep:

              # If you looked and found nothing, leave it a comment, and remove its name from `uncaptured` below.
              #   element:
              # tags:
              # -

              log:

                # ---- 3. The log

                # Write true or false.
                "on":

                # Missing is unknown. Write a date, or a time such as 2026-09-01T06:00:00Z.
                # Leave it a comment if you did not look. null means that you looked and found nothing.
                # seen:

                # Both state something. Write a date, or a time such as 2026-09-01T06:00:00Z.
                # If you looked and found nothing, leave it a comment, and remove its name from `uncaptured` below.
                # left:

                only:

                  # Write true or false.
                  # Leave it a comment if you did not look. null means that you looked and found nothing.
                  # one:

                uncaptured: [left]

              #   kind: Write low | "on".
              #   born: Write a date, or a time such as 2026-09-01T06:00:00Z. null means that you looked and found
              #     nothing. Leave the line out otherwise.
              pets:
              # - kind:
              #   # born:

              uncaptured: [box, tags]

            - email: "c"

              # ---- 2. Members
              level:
              nick:
              # box:
              #   size:
              pit:
                deep:
              # tags:
              # -
              log:

                # ---- 3. The log
                "on":
                # seen:
                # left:
                only:
                  # one:
                uncaptured: [left]
              pets:
              # - kind:
              #   # born:
              uncaptured: [box, tags]
        "#]]
        .assert_eq(body);
        assert_eq!(not_covered(pack.model(), &description), [""; 0]);
    }

    #[test]
    fn a_list_without_ids_has_an_entry_without_one() {
        let (pack, description) = pack();
        let text = write(&pack, &description, &[]);
        assert!(text.contains("\n- email:\n"), "{text}");
    }
}
