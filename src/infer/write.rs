//! The text of a planned schema.

use super::names::{LONGEST_NAME, has_path, is_identifier, quoted};
use super::plan::{AttributePlan, Body, EntityPlan, Plan, Type, WordsPlan, count};
use crate::source::is_hidden;
use crate::source::pointer::escape;

/// Left-out properties that a comment lists.
const LISTED: usize = 12;

/// Places of words that a comment lists.
const PLACES: usize = 4;

/// Columns of a comment.
const WIDTH: usize = 110;

/// Returns the text of a schema. `names` are those of the documents.
pub(super) fn write(plan: &Plan<'_>, namespace: Option<&str>, names: &[String]) -> String {
    let mut writer = Writer { plan, text: String::new(), indent: 0 };
    writer.head(names);
    if let Some(namespace) = namespace {
        writer.line(&format!("namespace {namespace} {{"));
        writer.indent = 1;
    }
    plan.words.iter().for_each(|words| writer.words(words));
    plan.types.iter().for_each(|ty| writer.entity(ty));
    writer.actions();
    if namespace.is_some() {
        writer.indent = 0;
        writer.line("}");
    }
    writer.text
}

struct Writer<'p, 't> {
    plan: &'p Plan<'t>,
    text: String,
    indent: usize,
}

impl Writer<'_, '_> {
    fn line(&mut self, line: &str) {
        if !line.is_empty() {
            self.text.push_str(&"  ".repeat(self.indent));
        }
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// Writes a comment. Every text from a document is in a comment only after this function.
    fn comment(&mut self, text: &str) {
        let text = harmless(text);
        let options = textwrap::Options::new(WIDTH - 2 * self.indent).break_words(false);
        for line in textwrap::wrap(&text, options) {
            self.line(format!("// {line}").trim_end());
        }
    }

    fn head(&mut self, names: &[String]) {
        let listed: Vec<&str> = names.iter().take(PLACES).map(String::as_str).collect();
        let more = names.len().saturating_sub(listed.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        self.comment(&format!("`deodar new schema` inferred this schema from {}{more}.", listed.join(", ")));
        self.line("//");
        self.comment("A sample shows what an account had once, not what every account has. Review by hand:");
        let mut points = vec![
            "A missing attribute is absent if it has `?`, and otherwise unknown. Samples prove neither.",
            "A type is the narrowest that holds all values of the samples. Another value is an error of the snapshot.",
            "A key identifies an instance in findings and waivers: choose one that does not change.",
            "`@secret` follows from names and forms of texts. Add it to every other secret.",
            "An enumerated type has the words of the samples. Add the other words of the product.",
            "Properties that are left out are not read, and not masked. Delete attributes that no check needs.",
        ];
        if self.plan.is_cut {
            points.push("Parts of the samples nest too deep or have too many properties: they are left out.");
        }
        for point in points {
            self.comment(&format!("- {point}"));
        }
        self.line("");
    }

    fn words(&mut self, words: &WordsPlan) {
        let values: u64 = words.words.values().sum();
        let places: Vec<&str> = words.places.iter().take(PLACES).map(String::as_str).collect();
        let number = u64::try_from(words.words.len()).unwrap_or(u64::MAX);
        self.comment(&format!("{} in {} at {}.", count(number, "word"), count(values, "text"), places.join(", ")));
        self.line("@open");
        let list: Vec<String> = words.words.keys().map(|word| quoted(word)).collect();
        self.line(&format!("entity {} enum [{}];", words.name, list.join(", ")));
        self.line("");
    }

    fn entity(&mut self, ty: &EntityPlan<'_>) {
        ty.remarks.iter().for_each(|remark| self.comment(remark));
        self.left_out(&ty.body);
        self.line(&format!("@path({})", quoted(&ty.at.to_text())));
        if let Some(key) = &ty.key {
            let key: Vec<_> = key.iter().map(|step| escape(step)).collect();
            self.line(&format!("@key({})", quoted(&key.join("/"))));
        }
        if ty.one_or_many {
            self.line("@one_or_many");
        }
        if let Some((pointer, remark)) = &ty.tags {
            self.comment(remark);
            self.line(&format!("@tags({})", quoted(pointer)));
        }
        self.ignored(&ty.body);
        let parent = ty.parent.and_then(|at| self.plan.types.get(at)).map(|parent| format!(" in [{}]", parent.name));
        let head = format!("entity {}{}", ty.name, parent.unwrap_or_default());
        let tags = if ty.tags.is_some() { " tags String" } else { "" };
        if ty.body.attributes.is_empty() {
            self.line(&format!("{head}{tags};"));
        } else {
            self.line(&format!("{head} = {{"));
            self.members(&ty.body);
            self.line(&format!("}}{tags};"));
        }
        self.line("");
    }

    fn ignored(&mut self, body: &Body<'_>) {
        let mut names = String::new();
        for name in &body.ignored {
            // Cedar limits the length of a string.
            if names.len() < 20 * LONGEST_NAME {
                names = if names.is_empty() { name.clone() } else { format!("{names}, {name}") };
            }
        }
        if !names.is_empty() {
            self.line(&format!("@ignore({})", quoted(&names)));
        }
    }

    fn left_out(&mut self, body: &Body<'_>) {
        for (name, reason) in body.left_out.iter().take(LISTED) {
            self.comment(&format!("Left out: `{name}`: {reason}."));
        }
        let more = body.left_out.len().saturating_sub(LISTED);
        if more > 0 {
            self.comment(&format!("Left out: {more} more."));
        }
    }

    fn members(&mut self, body: &Body<'_>) {
        self.indent += 1;
        for attribute in &body.attributes {
            self.attribute(attribute);
        }
        self.indent -= 1;
    }

    fn attribute(&mut self, attribute: &AttributePlan<'_>) {
        self.comment(&attribute.remarks.join(" "));
        if let Type::Record(body) = &attribute.ty {
            self.left_out(body);
        }
        let mut annotations = Vec::new();
        if has_path(&attribute.property) && attribute.name != attribute.property {
            annotations.push(format!("@path({})", quoted(&escape(&attribute.property))));
        }
        annotations.extend(attribute.reader.map(|reader| format!("@as({})", quoted(reader))));
        if attribute.is_secret {
            annotations.push("@secret".to_owned());
        }
        if !annotations.is_empty() {
            self.line(&annotations.join(" "));
        }
        let name = if is_identifier(&attribute.name) { attribute.name.clone() } else { quoted(&attribute.name) };
        let optional = if attribute.is_optional { "?" } else { "" };
        match &attribute.ty {
            Type::Record(body) => {
                self.ignored(body);
                self.line(&format!("{name}{optional}: {{"));
                self.members(body);
                self.line("},");
            }
            ty => {
                let ty = self.ty(ty);
                self.line(&format!("{name}{optional}: {ty},"));
            }
        }
    }

    fn ty(&self, ty: &Type<'_>) -> String {
        match ty {
            Type::Plain(name) => (*name).to_owned(),
            Type::Words(at) => self.plan.words.get(*at).map(|words| words.name.clone()).unwrap_or_default(),
            Type::Reference(at) => self.plan.types.get(*at).map(|ty| ty.name.clone()).unwrap_or_default(),
            Type::Set(element) => format!("Set<{}>", self.ty(element)),
            Type::Record(_) => "{}".to_owned(),
        }
    }

    fn actions(&mut self) {
        let names: Vec<&str> = self.plan.types.iter().map(|ty| ty.name.as_str()).collect();
        let root = names.first().copied().unwrap_or_default();
        let others = names.get(1..).filter(|others| !others.is_empty());
        self.comment("Thresholds that checks compare with. `--param max_age=30d` sets this one.");
        self.line("type Parameters = {");
        self.line("  @default(\"90d\")");
        self.line("  max_age: duration,");
        self.line("};");
        self.line("");
        self.line("type AuditContext = {");
        self.line("  now: datetime,");
        self.line("  parameters: Parameters,");
        self.line("};");
        self.line("");
        self.comment("A check forbids this action: list the types that checks judge.");
        self.action("audit", root, &names.join(", "));
        if let Some(others) = others {
            self.line("");
            self.comment("A derivation permits this action: it computes an attribute with `@derived` of its resource.");
            self.action("derive", &others.join(", "), &names.join(", "));
        }
    }

    fn action(&mut self, name: &str, principals: &str, resources: &str) {
        self.line(&format!("action \"{name}\" appliesTo {{"));
        self.line(&format!("  principal: [{principals}],"));
        self.line(&format!("  resource: [{resources}],"));
        self.line("  context: AuditContext,");
        self.line("};");
    }
}

/// Returns a text in one line, without invisible characters.
fn harmless(text: &str) -> String {
    let mut shown = String::new();
    for c in text.chars() {
        match c {
            c if c.is_control() || is_hidden(c) => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    shown
}
