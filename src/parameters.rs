//! Parameters: from settings as they were typed to the values that policies read.
//!
//! [`Setting`] is the one form of a setting, on the command line and in a case file. [`Parameters::read`] checks
//! settings against the schema. It does not know any snapshot: whether a snapshot has the instance that a setting names
//! is a question for the engine.

use crate::diagnostic::{Code, Diagnostic};
use crate::program::{Constant, Program};
use crate::schema::{Model, Parameter, parse_value};
use crate::source::Place;
use crate::source::json::{Scanner, string_text};
use crate::value::{IpNet, TypeId, Value};
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};

/// A setting as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The parameter: `name` for the whole run, `SCOPE:name` for one instance. A scope may be a string in JSON.
    pub key: String,
    /// The value.
    pub text: String,
    /// The place of the key, if it is in a file.
    pub place: Option<Place>,
}

impl Setting {
    /// Reads `name=value` or `SCOPE:name=value`.
    ///
    /// # Errors
    /// A phrase saying what is valid.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim_start();
        // A quoted scope may contain `=`.
        let quoted = quoted(text).map_or(0, |(_, rest)| text.len() - rest.len());
        let equals = text.match_indices('=').find(|(at, _)| *at >= quoted);
        let (key, value) = equals
            .and_then(|(at, _)| Some((text.get(..at)?, text.get(at + 1..)?)))
            .ok_or("write it as NAME=VALUE or SCOPE:NAME=VALUE")?;
        Ok(Self { key: key.trim().to_owned(), text: value.to_owned(), place: None })
    }

    /// Returns the id of the instance that it is for, if it is for one, and the name of the parameter.
    fn parts(&self, model: &Model) -> (Option<SmolStr>, &str) {
        let key = self.key.as_str();
        if model.parameters.iter().any(|known| known.name == key) {
            return (None, key);
        }
        if let Some((scope, rest)) = quoted(key)
            && let Some(name) = rest.trim_start().strip_prefix(':')
        {
            return (Some(scope.into()), name.trim());
        }
        match key.rsplit_once(':') {
            Some((scope, name)) => (Some(scope.trim().into()), name.trim()),
            None => (None, key),
        }
    }
}

/// Returns the string in JSON at the start of a text, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let span = Scanner::new(text).skip().ok().filter(|_| text.starts_with('"'))?;
    let (string, rest) = text.split_at_checked(span.end as usize)?;
    Some((string_text(string)?.into_owned(), rest))
}

/// The value of a parameter for a run or an instance.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ParameterValue {
    /// Neither a setting nor a default gives it.
    #[default]
    NotSet,
    /// A setting gives it, and is invalid. No other value takes its place: what depends on it is unknown.
    Invalid,
    /// The value.
    Valid(Value),
}

impl ParameterValue {
    /// Returns the value, if there is a valid one.
    pub fn valid(&self) -> Option<&Value> {
        match self {
            Self::Valid(value) => Some(value),
            Self::NotSet | Self::Invalid => None,
        }
    }
}

impl From<Option<Value>> for ParameterValue {
    fn from(value: Option<Value>) -> Self {
        value.map_or(Self::NotSet, Self::Valid)
    }
}

/// The values of all parameters, in the order of the model. A parameter that the account sets has a value here only if the
/// run sets it.
pub type Values = Vec<ParameterValue>;

/// The parameters of a run.
#[derive(Debug, Clone, Default)]
pub struct Parameters {
    /// The values for the whole run: those that were set, otherwise the defaults of the schema.
    pub values: Values,
    /// Which of them were set.
    pub is_set: Vec<bool>,
    /// The instances for which parameters were set, in order of their ids.
    pub scopes: Vec<Scope>,
}

/// The settings for one instance of the type with `@parameter_scope`.
#[derive(Debug, Clone)]
pub struct Scope {
    /// The id of the instance.
    pub id: SmolStr,
    /// The values, by the places of their parameters in the model.
    pub set: BTreeMap<usize, ParameterValue>,
    /// The place of the first setting, if it is in a file.
    pub place: Option<Place>,
}

/// A parameter of the model with its place.
type Declared<'m> = (usize, &'m Parameter);

impl Parameters {
    /// Reads settings, and reports those that are invalid.
    ///
    /// A setting for an instance overrides one for the run, which overrides `@default`. A parameter that is set twice
    /// has an invalid value.
    pub fn read(model: &Model, program: &Program, settings: &[Setting]) -> (Self, Vec<Diagnostic>) {
        let of_run = |parameter: &Parameter| parameter.default.clone().filter(|_| parameter.slot.is_none()).into();
        let values = model.parameters.iter().map(of_run).collect();
        let mut parameters = Self { values, is_set: vec![false; model.parameters.len()], scopes: Vec::new() };
        let mut diagnostics = Vec::new();
        for setting in settings {
            let mut found = Vec::new();
            parameters.set(model, program, setting, &mut found);
            diagnostics.extend(found.into_iter().map(|found| match &setting.place {
                Some(place) => found.label(&place.source, place.span, "set here"),
                None => found,
            }));
        }
        parameters.scopes.sort_by(|a, b| a.id.cmp(&b.id));
        (parameters, diagnostics)
    }

    #[expect(clippy::indexing_slicing, reason = "there is a value for every parameter of the model")]
    fn set(&mut self, model: &Model, program: &Program, setting: &Setting, diagnostics: &mut Vec<Diagnostic>) {
        let (id, name) = setting.parts(model);
        let Some(scope) = in_words(model, id.as_ref()) else {
            diagnostics.push(without_scopes(model, setting, name));
            return;
        };
        let Some(declared) = model.parameters.iter().enumerate().find(|(_, known)| known.name == name) else {
            let error = Diagnostic::error(Code::Parameter, format!("there is no parameter `{name}`{scope}"));
            let names: Vec<&str> = model.parameters.iter().map(|known| known.name.as_str()).collect();
            diagnostics.push(error.suggest(name, names));
            return;
        };
        let is_second = match &id {
            None => std::mem::replace(&mut self.is_set[declared.0], true),
            Some(id) => self.scopes.iter().any(|known| known.id == *id && known.set.contains_key(&declared.0)),
        };
        if is_second {
            let message = format!("parameter `{name}`{scope} is set twice");
            diagnostics.push(Diagnostic::error(Code::Parameter, message));
        }
        let value = value(model, program, declared, &scope, &setting.text, diagnostics);
        let value = value.filter(|_| !is_second).map_or(ParameterValue::Invalid, ParameterValue::Valid);
        match id {
            None => self.values[declared.0] = value,
            Some(id) => self.scope(id, setting).set.extend([(declared.0, value)]),
        }
    }

    #[expect(clippy::indexing_slicing, reason = "the place is that of a scope that was found or pushed")]
    fn scope(&mut self, id: SmolStr, setting: &Setting) -> &mut Scope {
        let at = self.scopes.iter().position(|known| known.id == id).unwrap_or_else(|| {
            self.scopes.push(Scope { id, set: BTreeMap::new(), place: setting.place.clone() });
            self.scopes.len() - 1
        });
        &mut self.scopes[at]
    }

    /// Returns a warning for each required parameter that a policy reads and that has no value.
    pub fn without_value(&self, model: &Model, program: &Program) -> Vec<Diagnostic> {
        let is_read = |at: usize| program.constants.contains(&Constant::Parameter(at));
        let is_set =
            |at: usize| self.is_set.get(at) == Some(&true) || self.scopes.iter().any(|it| it.set.contains_key(&at));
        let declared = model.parameters.iter().enumerate();
        let has_value = |known: &Parameter| !known.required || known.default.is_some() || known.slot.is_some();
        let missing = declared.filter(|(at, known)| !has_value(known) && is_read(*at) && !is_set(*at));
        let warning = |(_, known): (usize, &Parameter)| {
            let name = &known.name;
            let message = format!("parameter `{name}` has no value: conditions that read it are unknown");
            let help = format!("set it with --param {name}=VALUE, or give it a `@default` in the schema");
            Diagnostic::warning(Code::Parameter, message).help(help)
        };
        missing.map(warning).collect()
    }

    /// Returns a warning for each setting for an instance whose parameter is read by checks of other types only.
    pub fn without_effect(&self, model: &Model, program: &Program) -> Vec<Diagnostic> {
        let Some(ty) = model.parameter_scope() else { return Vec::new() };
        let is_inside = |resource: TypeId| model.ancestry(resource).any(|around| around == ty);
        let is_without_effect = |at: usize| {
            let depends = program.depends_on(model, &BTreeSet::from([at])).checks;
            let readers = program.checks.iter().filter(|check| depends.contains(&check.check));
            !depends.is_empty() && !readers.flat_map(|check| &check.bodies).any(|body| is_inside(body.resource))
        };
        // Many instances may have settings of one parameter.
        let set: BTreeSet<usize> = self.scopes.iter().flat_map(|scope| scope.set.keys().copied()).collect();
        let without: BTreeSet<usize> = set.into_iter().filter(|at| is_without_effect(*at)).collect();
        let mut warnings = Vec::new();
        for (scope, at) in self.scopes.iter().flat_map(|scope| scope.set.keys().map(move |at| (scope, *at))) {
            let Some(parameter) = model.parameters.get(at).filter(|_| without.contains(&at)) else { continue };
            let (name, of) = (&parameter.name, model.short_name(ty));
            let message = format!("parameter `{name}` (set for {of} `{}`) has no effect", scope.id);
            let help = format!("the checks that read it judge no {of}, and nothing in one: set it for the whole run");
            let warning = Diagnostic::warning(Code::Parameter, message).help(help);
            warnings.push(match &scope.place {
                Some(place) => warning.label(&place.source, place.span, "set here"),
                None => warning,
            });
        }
        warnings
    }

    /// Returns the values for an instance and the entities nested in it.
    pub fn values_in(&self, scope: &Scope) -> Values {
        let value = |(at, value): (usize, &ParameterValue)| scope.set.get(&at).unwrap_or(value).clone();
        self.values.iter().enumerate().map(value).collect()
    }
}

/// Returns the name of the instance of a setting for a message; `None` if the schema has no type for it.
fn in_words(model: &Model, id: Option<&SmolStr>) -> Option<String> {
    let Some(id) = id else { return Some(String::new()) };
    Some(format!(" (set for {} `{id}`)", model.short_name(model.parameter_scope()?)))
}

/// Returns the error for a setting for one instance if the schema has no type with `@parameter_scope`.
fn without_scopes(model: &Model, setting: &Setting, name: &str) -> Diagnostic {
    let message = format!("`{}` cannot be set: no entity type of the schema has `@parameter_scope`", setting.key);
    let error = Diagnostic::error(Code::Parameter, message);
    match model.parameters.iter().any(|known| known.name == name) {
        true => error.help(format!("set `{name}` for the whole run")),
        false => error.suggest(name, model.parameters.iter().map(|known| known.name.as_str())),
    }
}

/// Reads a value, and returns it if it is valid; `scope` names the instance that it is for.
fn value(
    model: &Model,
    program: &Program,
    (at, parameter): Declared<'_>,
    scope: &str,
    text: &str,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Value> {
    let name = &parameter.name;
    match parse_value(&parameter.ty, text) {
        Ok(value) if let Some(mut error) = program.unfolded(model, at, &value) => {
            error.message.push_str(scope);
            diagnostics.push(error);
            None
        }
        Ok(value) => {
            diagnostics.extend(mapped(&value).map(|(ip, carried)| {
                let message = format!("parameter `{name}`{scope} holds an IPv4-mapped IPv6 address");
                let help = format!("write `{carried}` for the IPv4 address: no IPv4 address is in `{ip}`");
                Diagnostic::warning(Code::Parameter, message).help(help)
            }));
            Some(value)
        }
        Err(help) => {
            let ty = model.show(&parameter.ty);
            let message = format!("`{text}` is not a valid value for parameter `{name}`{scope} ({ty})");
            diagnostics.push(Diagnostic::error(Code::Parameter, message).help(help));
            None
        }
    }
}

/// Returns the first IPv4-mapped address in a value, and the IPv4 address that it carries.
fn mapped(value: &Value) -> Option<(IpNet, IpNet)> {
    match value {
        Value::Ip(ip) => Some((*ip, ip.mapped()?)),
        Value::Set(set) => set.items().iter().find_map(mapped),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Option<(Option<SmolStr>, String, String)> {
        let setting = Setting::parse(text).ok()?;
        let (scope, name) = setting.parts(&Model::default());
        Some((scope, name.to_owned(), setting.text.clone()))
    }

    #[test]
    fn the_last_colon_before_the_first_equals_sign_ends_the_scope() {
        let read =
            |scope: Option<&str>, name: &str, text: &str| Some((scope.map(Into::into), name.into(), text.into()));
        assert_eq!(key("n=2"), read(None, "n", "2"));
        assert_eq!(key(" n =a:b=c"), read(None, "n", "a:b=c"));
        assert_eq!(key("WS1:n=2"), read(Some("WS1"), "n", "2"));
        assert_eq!(key("a/b:c:n=2026-09-01T12:00:00Z"), read(Some("a/b:c"), "n", "2026-09-01T12:00:00Z"));
        assert_eq!(key(r#""a=b\u003a:":n=[":"]"#), read(Some("a=b::"), "n", "[\":\"]"));
        assert_eq!(key(r#""open:n=2"#), read(Some("\"open"), "n", "2"));
        assert_eq!(key("WS1:n"), None);
    }
}
