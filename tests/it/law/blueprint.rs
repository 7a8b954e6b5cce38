//! Random schemas: nested entity types with attributes of every Cedar type, and the text that declares them.

use super::choices::Choices;
use std::fmt::Write;

/// A type of Cedar's language.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    Bool,
    Long,
    Text,
    Decimal,
    Datetime,
    Duration,
    Ip,
    /// An entity, by its place in [`Blueprint::types`].
    Entity(usize),
    /// One of a closed list, by its place in [`Blueprint::enums`].
    Enum(usize),
    Set(Box<Kind>),
    Record(Vec<Field>),
}

/// How an attribute gets its value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum From {
    Snapshot,
    Enclosing,
    Derivations,
}

/// An attribute, or a member of a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    pub name: String,
    /// The properties that lead to it.
    pub pointer: Vec<String>,
    pub kind: Kind,
    pub required: bool,
    pub from: From,
    pub way: Way,
}

/// The way in which an attribute is written in a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Way {
    /// The reader that reads it, or its elements.
    pub reader: Option<&'static str>,
    /// Whether words may be in place of missing values.
    pub words: bool,
}

/// Words in place of unknown and of absent values.
pub const WORDS: [&str; 2] = ["tbd", "-"];

/// The place of the instances of a type.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Place {
    Array,
    Object,
    Fixed,
}

/// An entity type with instances.
#[derive(Debug, Clone)]
pub struct Type {
    pub name: String,
    pub parent: Option<usize>,
    /// The properties between the parent and the list.
    pub within: Vec<String>,
    pub place: Place,
    /// The pointer of the id, where it is a property.
    pub key: Option<Vec<String>>,
    /// The word of its elements in their list, which may have others.
    pub word: Option<String>,
    /// The type whose list has its elements too.
    pub shares: Option<usize>,
    pub fields: Vec<Field>,
    /// The property that holds the tags, and the kind of their values.
    pub tags: Option<(String, Kind)>,
}

/// A schema.
#[derive(Debug, Clone)]
pub struct Blueprint {
    pub namespaced: bool,
    /// The root first, parents before children.
    pub types: Vec<Type>,
    pub enums: Vec<Vec<&'static str>>,
    /// Members of `context.parameters`.
    pub parameters: Vec<Field>,
    /// The attribute of the root that is a member of the context too.
    pub context: Option<usize>,
    /// Derived attributes, by type and field; each may read those before it.
    pub derived: Vec<(usize, usize)>,
    /// The type with `@parameter_scope`, if there is one.
    pub parameter_scope: Option<usize>,
}

/// A name with a blank, which is no identifier.
const ODD_NAME: &str = "b c";

impl Blueprint {
    /// Returns a random schema with a number of derived attributes.
    pub fn random(choices: &mut Choices<'_>, derivations: usize) -> Self {
        let mut blueprint = Self {
            namespaced: choices.one_in(3),
            types: Vec::new(),
            enums: vec![vec!["red", "green"]],
            parameters: Vec::new(),
            context: None,
            derived: Vec::new(),
            parameter_scope: None,
        };
        let names = ["Org", "Alpha", "Beta", "Gamma", "Delta"];
        for (at, name) in names.iter().enumerate().take(2 + choices.below(4)) {
            let nested = at.checked_sub(1).map(|others| if choices.one_in(2) { others } else { choices.below(at) });
            let place = if at == 0 {
                Place::Fixed
            } else {
                *choices.pick(&[Place::Array, Place::Array, Place::Object, Place::Array, Place::Fixed])
            };
            let property = format!("{}s", name.to_lowercase());
            let within = match choices.below(4) {
                _ if at == 0 => Vec::new(),
                3 => vec![format!("box_{property}"), property],
                _ => vec![property],
            };
            let key = match choices.below(4) {
                3 => None,
                2 => Some(vec!["meta".to_owned(), "id".to_owned()]),
                _ => Some(vec!["id".to_owned()]),
            };
            blueprint.types.push(Type {
                name: (*name).to_owned(),
                parent: nested,
                within,
                place,
                key: key.filter(|_| place != Place::Object || choices.one_in(3)),
                word: None,
                shares: None,
                fields: Vec::new(),
                tags: None,
            });
        }
        blueprint.share_lists();
        for at in 0..blueprint.types.len() {
            let around: Vec<usize> = blueprint.ancestry(at).skip(1).collect();
            let mut fields: Vec<Field> = (0..2 + choices.below(5))
                .map(|number| blueprint.field(choices, at, &format!("f{number}"), 2, false))
                .collect();
            if choices.one_in(6)
                && let Some(last) = fields.last_mut()
                && last.pointer == [last.name.clone()]
            {
                last.name = ODD_NAME.to_owned();
                last.pointer = vec![ODD_NAME.to_owned()];
            }
            if !around.is_empty() && choices.one_in(2) {
                let kind = Kind::Entity(*choices.pick(&around));
                fields.push(Field {
                    name: "up".to_owned(),
                    pointer: Vec::new(),
                    kind,
                    required: true,
                    from: From::Enclosing,
                    way: Way::default(),
                });
            }
            let tags = choices
                .one_in(3)
                .then(|| (choices.pick(&["tags", "labels"]).to_string(), blueprint.kind(choices, at, 0, true)));
            (blueprint.types[at].fields, blueprint.types[at].tags) = (fields, tags);
        }
        for number in 0..derivations {
            let type_idx = choices.below(blueprint.types.len());
            let kind = match choices.below(3) {
                0 => Kind::Bool,
                1 => Kind::Long,
                _ => Kind::Set(Box::new(Kind::Entity(choices.below(blueprint.types.len())))),
            };
            let field = Field {
                name: format!("d{number}"),
                pointer: Vec::new(),
                kind,
                required: true,
                from: From::Derivations,
                way: Way::default(),
            };
            blueprint.types[type_idx].fields.push(field);
            blueprint.derived.push((type_idx, blueprint.types[type_idx].fields.len() - 1));
        }
        for number in 0..choices.below(3) {
            let kind = choices
                .pick(&[
                    Kind::Long,
                    Kind::Text,
                    Kind::Duration,
                    Kind::Set(Box::new(Kind::Text)),
                    Kind::Ip,
                    Kind::Datetime,
                    Kind::Decimal,
                ])
                .clone();
            let name = format!("p{number}");
            blueprint.parameters.push(Field {
                pointer: vec![name.clone()],
                name,
                kind,
                required: !choices.one_in(3),
                from: From::Snapshot,
                way: Way::default(),
            });
        }
        let shared = blueprint.types[0].fields.iter().position(|field| {
            field.from == From::Snapshot && field.name != ODD_NAME && !matches!(field.kind, Kind::Record(_))
        });
        blueprint.context = shared.filter(|_| choices.one_in(2));
        blueprint
    }

    /// Puts the elements of two types into one list, where two lists of an instance allow it, and gives the elements of
    /// some lists a word.
    fn share_lists(&mut self) {
        let is_list = |ty: &Type| ty.place == Place::Array && ty.key.is_some();
        for at in 1..self.types.len() {
            let is_free = |other: usize| !self.types.iter().any(|ty| ty.shares == Some(other));
            let (earlier, here) = (&self.types[..at], &self.types[at]);
            let is_same = |other: &&Type| is_list(here) && is_list(other) && other.parent == here.parent;
            let first = earlier.iter().rposition(|other| is_same(&other) && other.shares.is_none());
            if let Some(first) = first.filter(|first| is_free(*first)) {
                (self.types[at].shares, self.types[at].within) = (Some(first), self.types[first].within.clone());
                self.types[first].word = Some(self.types[first].name.to_lowercase());
            }
            if self.types[at].shares.is_some() || is_list(&self.types[at]) && at % 2 == 0 {
                self.types[at].word = Some(self.types[at].name.to_lowercase());
            }
        }
    }

    /// Returns the types whose elements are in the list of a type.
    pub fn sharing(&self, type_idx: usize) -> impl Iterator<Item = usize> {
        let list = self.types[type_idx].shares.unwrap_or(type_idx);
        (0..self.types.len()).filter(move |at| *at == list || self.types[*at].shares == Some(list))
    }

    fn field(&self, choices: &mut Choices<'_>, type_idx: usize, name: &str, depth: usize, in_set: bool) -> Field {
        let kind = self.kind(choices, type_idx, depth, in_set);
        let pointer = match choices.below(6) {
            _ if in_set => vec![name.to_owned()],
            4 => vec!["shared".to_owned(), name.to_owned()],
            5 => vec![format!("deep_{name}"), "x".to_owned()],
            _ => vec![name.to_owned()],
        };
        let required = !choices.one_in(3);
        let way = if in_set { Way::default() } else { way(choices, &kind) };
        Field { name: name.to_owned(), pointer, kind, required, from: From::Snapshot, way }
    }

    fn kind(&self, choices: &mut Choices<'_>, type_idx: usize, depth: usize, in_set: bool) -> Kind {
        let refers = |choices: &mut Choices<'_>| {
            let around: Vec<usize> = self.ancestry(type_idx).collect();
            let targets: Vec<usize> = (0..self.types.len())
                .filter(|target| self.types[*target].parent.is_none_or(|parent| around.contains(&parent)))
                .collect();
            Kind::Entity(*choices.pick(&targets))
        };
        match choices.below(if depth == 0 { 9 } else { 13 }) {
            0 => Kind::Bool,
            1 => Kind::Long,
            2 => Kind::Text,
            3 => Kind::Decimal,
            4 => Kind::Datetime,
            5 => Kind::Duration,
            6 => Kind::Ip,
            7 => Kind::Enum(0),
            8 | 9 => refers(choices),
            10 | 11 => Kind::Set(Box::new(self.kind(choices, type_idx, depth - 1, true))),
            _ => Kind::Record(
                (0..1 + choices.below(3))
                    .map(|number| self.field(choices, type_idx, &format!("m{number}"), depth - 1, in_set))
                    .collect(),
            ),
        }
    }

    /// Returns a type and those it is nested in, innermost first.
    pub fn ancestry(&self, type_idx: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(Some(type_idx), |type_idx| self.types[*type_idx].parent)
    }

    /// Returns the types whose instances are nested directly in those of `parent`.
    pub fn children(&self, parent: usize) -> impl Iterator<Item = usize> {
        (0..self.types.len()).filter(move |at| self.types[*at].parent == Some(parent))
    }

    /// Returns the full name of a type.
    pub fn name(&self, type_idx: usize) -> String {
        self.qualified(&self.types[type_idx].name)
    }

    /// Returns a name with the schema's namespace.
    pub fn qualified(&self, name: &str) -> String {
        if self.namespaced { format!("Space::{name}") } else { name.to_owned() }
    }

    /// Writes a type.
    pub fn show(&self, kind: &Kind) -> String {
        match kind {
            Kind::Bool => "Bool".into(),
            Kind::Long => "Long".into(),
            Kind::Text => "String".into(),
            Kind::Decimal => "decimal".into(),
            Kind::Datetime => "datetime".into(),
            Kind::Duration => "duration".into(),
            Kind::Ip => "ipaddr".into(),
            Kind::Entity(type_idx) => self.types[*type_idx].name.clone(),
            Kind::Enum(at) => format!("Choice{at}"),
            Kind::Set(element) => format!("Set<{}>", self.show(element)),
            Kind::Record(fields) => format!("{{ {} }}", self.members(fields)),
        }
    }

    /// Writes the members of a record.
    pub fn members(&self, fields: &[Field]) -> String {
        let member = |field: &Field| {
            let note = match field.from {
                From::Enclosing => "@enclosing ".to_owned(),
                From::Derivations => "@derived ".to_owned(),
                From::Snapshot if field.pointer == [field.name.clone()] => String::new(),
                From::Snapshot => format!("@path({:?}) ", field.pointer.join("/")),
            };
            let reader = field.way.reader.map(|reader| format!("@as({reader:?}) ")).unwrap_or_default();
            let words = match (field.way.words, field.required) {
                (false, _) => String::new(),
                (true, true) => format!("@unknown({:?}) ", WORDS[0]),
                (true, false) => format!("@unknown({:?}) @absent(\"n, {}\") ", WORDS[0], WORDS[1]),
            };
            format!(
                "{note}{reader}{words}{:?}{}: {}",
                field.name,
                if field.required { "" } else { "?" },
                self.show(&field.kind)
            )
        };
        fields.iter().map(member).collect::<Vec<_>>().join(", ")
    }

    fn path(&self, type_idx: usize) -> String {
        let ty = &self.types[type_idx];
        let outer = ty.parent.map(|parent| self.path(parent)).unwrap_or_default();
        let inner: String = ty.within.iter().map(|step| format!("/{step}")).collect();
        format!("{outer}{inner}{}", if ty.place == Place::Fixed { "" } else { "/*" })
    }

    /// Writes the schema.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (at, ty) in self.types.iter().enumerate() {
            // No instance has the first property of some keys.
            let unused = if at % 2 == 1 { "no_id, " } else { "" };
            let key = ty.key.as_ref().filter(|key| !key.is_empty());
            let key = key
                .map(|key| format!(" @key(\"{unused}{}\")", key.join("/")))
                .unwrap_or_else(|| ty.key.as_ref().map(|_| " @key(\"\")".to_owned()).unwrap_or_default());
            let tags_at = ty
                .tags
                .as_ref()
                .filter(|(property, _)| property != "tags")
                .map(|(property, _)| format!(" @tags({property:?})"))
                .unwrap_or_default();
            let word = ty.word.as_ref().map(|word| format!(" @where(\"kind = x, {word}\")")).unwrap_or_default();
            let scope = if self.parameter_scope == Some(at) { " @parameter_scope" } else { "" };
            let parents = ty.parent.map(|parent| format!(" in [{}]", self.types[parent].name)).unwrap_or_default();
            let tags = ty.tags.as_ref().map(|(_, kind)| format!(" tags {}", self.show(kind))).unwrap_or_default();
            let _ = writeln!(
                text,
                "@path({:?}){key}{word}{tags_at}{scope}\nentity {}{parents} {{ {} }}{tags};",
                self.path(at),
                ty.name,
                self.members(&ty.fields)
            );
        }
        for (at, choices) in self.enums.iter().enumerate() {
            let open = if self.types.len().is_multiple_of(2) { "@open " } else { "" };
            let _ = writeln!(text, "{open}entity Choice{at} enum {choices:?};");
        }
        let mut context =
            vec!["now: datetime".to_owned(), format!("parameters: {{ {} }}", self.members(&self.parameters))];
        if let Some(at) = self.context {
            let field = Field {
                pointer: vec![self.types[0].fields[at].name.clone()],
                way: Way::default(),
                ..self.types[0].fields[at].clone()
            };
            context.push(self.members(&[field]));
        }
        let context = context.join(", ");
        let all = self.types.iter().map(|ty| ty.name.as_str()).collect::<Vec<_>>().join(", ");
        let _ = writeln!(
            text,
            "action \"audit\" appliesTo {{ principal: [{}], resource: [{all}], context: {{ {context} }} }};",
            self.types[0].name
        );
        let _ = writeln!(
            text,
            "action \"derive\" appliesTo {{ principal: [{all}], resource: [{all}], context: {{ {context} }} }};"
        );
        if self.namespaced { format!("namespace Space {{\n{text}}}\n") } else { text }
    }
}

/// Returns a random way to write values of a kind.
fn way(choices: &mut Choices<'_>, kind: &Kind) -> Way {
    let element = if let Kind::Set(element) = kind { element } else { kind };
    let reader = match element {
        Kind::Bool => Some("bool"),
        Kind::Long | Kind::Decimal => Some("number"),
        Kind::Datetime => Some(*choices.pick(&["epoch-millis", "json-date", "epoch-seconds"])),
        Kind::Duration => Some("seconds"),
        Kind::Enum(_) => Some("casefold"),
        _ => None,
    };
    Way { reader: reader.filter(|_| choices.one_in(3)), words: choices.one_in(3) }
}
