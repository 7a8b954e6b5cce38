//! The identity of a verdict: the check, and the resource that it judges.
//!
//! An identity depends neither on values nor on the text of a policy, so it is the same in every run. Every verdict has
//! one, whether it is explained or not. An element of an array without a key is the exception: its identity contains a
//! digest of its JSON, because its index changes whenever an element before it is added or removed.

use crate::engine::Subject;
use crate::ids::IdVec;
use crate::schema::Model;
use crate::snapshot::{RowStep, Secrets, Snapshot};
use crate::source::Span;
use crate::source::pointer::Step;
use crate::value::{EntityRef, TypeId};
use serde_json::Value;
use sha2::{Digest, Sha256};
use smol_str::SmolStr;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

/// Bytes of a hash that a fingerprint contains.
const BYTES: usize = 16;

/// The subject of a verdict, by names that are the same in every run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// The id of the check.
    pub check: SmolStr,
    /// The type of the resource: without namespace, unless another type has the same name without it.
    pub ty: SmolStr,
    /// The id of the resource; ends with `*` for all resources in a list that was not captured. The part of an element
    /// without a key is a digest of its JSON, and its number among the equal elements of its list, from the second on.
    pub id: SmolStr,
    /// The id of the account: that of the root entity.
    pub account: SmolStr,
    /// The form of `id`, if it is not a list of keys without `/`: a `k` for each part that is a key, with the number of
    /// `/` in it if there are any, and a `d` for each digest; then, for a list, `*` and its path below the instance around
    /// it.
    pub form: SmolStr,
}

impl Identity {
    /// Returns the first 32 hexadecimal digits of the SHA-256 of the compact JSON array of check, type, id and account,
    /// and the form unless it is empty.
    pub fn fingerprint(&self) -> String {
        let form = (!self.form.is_empty()).then_some(self.form.as_str());
        let parts = [self.check.as_str(), self.ty.as_str(), self.id.as_str(), self.account.as_str()];
        fingerprint_of(&parts.into_iter().chain(form).collect::<Vec<_>>())
    }
}

/// The identities of the verdicts on one snapshot.
#[derive(Debug)]
pub struct Identities<'s> {
    model: &'s Model,
    snapshot: &'s Snapshot,
    /// The secrets of the snapshot. Digests do not depend on them, so that no secret can be guessed from a fingerprint.
    secrets: Option<&'s Secrets>,
    digests: Arc<Digests>,
}

/// The digests of the rows without a key, by type. They are computed on the first use.
#[derive(Debug)]
pub(super) struct Digests(IdVec<TypeId, OnceLock<HashMap<u32, String>>>);

impl Digests {
    /// Returns the digests of a snapshot of a model.
    pub(super) fn new(model: &Model) -> Self {
        Self(model.types.iter().map(|_| OnceLock::new()).collect())
    }
}

impl<'s> Identities<'s> {
    /// Returns the identities of the verdicts on a snapshot.
    pub fn new(model: &'s Model, snapshot: &'s Snapshot, secrets: Option<&'s Secrets>) -> Self {
        Self::again(model, snapshot, secrets, Arc::new(Digests::new(model)))
    }

    /// Returns identities as [`Identities::new`] does, with the digests of the same snapshot.
    pub(super) fn again(
        model: &'s Model,
        snapshot: &'s Snapshot,
        secrets: Option<&'s Secrets>,
        digests: Arc<Digests>,
    ) -> Self {
        Self { model, snapshot, secrets, digests }
    }

    /// Returns the identity of the verdict of a check on a resource.
    pub fn of(&self, check: &SmolStr, subject: Subject) -> Identity {
        let Self { model, snapshot, .. } = *self;
        let (id, form) = self.subject(subject);
        Identity {
            check: check.clone(),
            ty: model.short_name(subject.ty()).into(),
            id: id.into(),
            account: snapshot.id(model, EntityRef { ty: model.root, row: 0 }),
            form: form.into(),
        }
    }

    /// Returns the id of a resource for people: that of an element without a key is its index.
    pub fn name(&self, subject: Subject) -> SmolStr {
        id_of(self.model, self.snapshot, subject)
    }

    fn subject(&self, subject: Subject) -> (String, String) {
        let is_plain = |form: &str| form.bytes().all(|part| part == b'k');
        let with_form = |(id, form): (String, String)| if is_plain(&form) { (id, String::new()) } else { (id, form) };
        let (ty, at) = match subject {
            Subject::Entity(entity) => return with_form(self.entity(entity)),
            Subject::Uncaptured(ty, at) => (ty, at),
        };
        let scope = self.snapshot.table(ty).uncaptured_lists.get(at).map(|missing| missing.scope);
        let scope = scope.unwrap_or(EntityRef { ty: self.model.root, row: 0 });
        let path = self.path_below(scope.ty, ty);
        if scope.ty == self.model.root {
            return ("*".to_owned(), format!("*{path}"));
        }
        let (id, form) = with_form(self.entity(scope));
        (format!("{id}/*"), format!("{form}*{path}"))
    }

    /// Returns the id of an instance, and its form.
    fn entity(&self, entity: EntityRef) -> (String, String) {
        let Self { model, snapshot, .. } = *self;
        let Some(row) = snapshot.table(entity.ty).row(entity.row) else {
            return (snapshot.id(model, entity).into(), "k".to_owned());
        };
        let parent = model.ty(entity.ty).parent.filter(|parent| *parent != model.root);
        let around = parent.map(|ty| self.entity(EntityRef { ty, row: row.parent }));
        let (part, form) = match self.digest(entity) {
            Some(digest) => (digest, "d".to_owned()),
            None => {
                let key = snapshot.text(row.key);
                let form = match key.matches('/').count() {
                    0 => "k".to_owned(),
                    slashes => format!("k{slashes}"),
                };
                (key, form)
            }
        };
        match around {
            Some((around, forms)) => (format!("{around}/{part}"), format!("{forms}{form}")),
            None => (part.to_owned(), form),
        }
    }

    /// Returns the path of a type below an instance around it.
    fn path_below(&self, around: TypeId, ty: TypeId) -> String {
        let outer = self.model.ty(around).path().map_or(0, |path| path.0.len());
        let steps = self.model.ty(ty).path().and_then(|path| path.0.get(outer..)).unwrap_or_default();
        let steps = steps.iter().map(|step| match step {
            Step::Property(name) => name.replace('~', "~0").replace('/', "~1"),
            Step::Each => "*".to_owned(),
            Step::Groups(groups) => groups.with("*"),
        });
        steps.collect::<Vec<_>>().join("/")
    }

    /// Returns the digest of an element without a key.
    fn digest(&self, entity: EntityRef) -> Option<&str> {
        let digests = self.digests.0.find(entity.ty)?.get_or_init(|| self.digests_of(entity.ty));
        digests.get(&entity.row).map(String::as_str)
    }

    fn digests_of(&self, ty: TypeId) -> HashMap<u32, String> {
        let table = self.snapshot.table(ty);
        let has_key = self.model.ty(ty).key.is_some();
        let mut seen: HashMap<(u32, String), usize> = HashMap::new();
        let mut digests = HashMap::new();
        for (at, row) in table.row_numbers().zip(&table.rows) {
            if !matches!(row.step, RowStep::Index(_)) || (has_key && !table.nameless.contains(&at)) {
                continue;
            }
            let mut digest = digest_of(&self.without_secrets(row.span));
            let occurrence = seen.entry((row.parent, digest.clone())).or_insert(0);
            *occurrence += 1;
            if *occurrence > 1 {
                digest = format!("{digest}#{occurrence}");
            }
            digests.insert(at, digest);
        }
        digests
    }

    /// Returns the text of an instance with a constant in the place of every secret.
    fn without_secrets(&self, span: Span) -> String {
        let source = &self.snapshot.source;
        let (mut text, mut at) = (String::new(), span.start);
        let secrets = self.secrets.map(Secrets::spans).unwrap_or_default();
        let from = secrets.partition_point(|secret| secret.end <= span.start);
        for secret in secrets.get(from..).unwrap_or_default().iter().take_while(|secret| secret.start < span.end) {
            text.push_str(source.slice(Span::new(at, secret.start.max(at))));
            text.push_str("null");
            at = secret.end.min(span.end);
        }
        text.push_str(source.slice(Span::new(at, span.end)));
        text
    }
}

/// Returns the digest of a JSON value. It does not depend on spaces and on the order of properties.
fn digest_of(text: &str) -> String {
    match serde_json::from_str::<Value>(text) {
        Ok(value) => {
            let mut canonical = String::new();
            write_sorted(&value, &mut canonical);
            digits(&Sha256::digest(canonical))
        }
        // Masks may leave a text that is not JSON, and the parser has a limit on depth.
        Err(_) => digits(&Sha256::digest(text)),
    }
}

/// Writes a value with the properties of each object in order of their names. The parser bounds the depth.
fn write_sorted(value: &Value, out: &mut String) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for item in items {
                write_sorted(item, out);
                out.push(',');
            }
            out.push(']');
        }
        Value::Object(properties) => {
            out.push('{');
            for (name, value) in properties.iter().collect::<BTreeMap<_, _>>() {
                out.push_str(&Value::from(name.as_str()).to_string());
                out.push(':');
                write_sorted(value, out);
                out.push(',');
            }
            out.push('}');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

/// Returns the first 32 hexadecimal digits of the SHA-256 of a compact JSON array.
pub(crate) fn fingerprint_of(parts: &[&str]) -> String {
    digits(&Sha256::digest(serde_json::to_string(parts).unwrap_or_default()))
}

fn digits(hash: &[u8]) -> String {
    let digits = hash.iter().take(BYTES).flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

/// Returns the id of a subject for people. That of a list that was not captured is `*` after the id of the instance
/// around it; that of an element without a key is its index.
pub(crate) fn id_of(model: &Model, snapshot: &Snapshot, subject: Subject) -> SmolStr {
    let (ty, at) = match subject {
        Subject::Entity(entity) => return snapshot.id(model, entity),
        Subject::Uncaptured(ty, at) => (ty, at),
    };
    match snapshot.table(ty).uncaptured_lists.get(at).map(|missing| missing.scope) {
        Some(scope) if scope.ty != model.root => format!("{}/*", snapshot.id(model, scope)).into(),
        _ => "*".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Identity, digest_of};

    #[test]
    fn a_digest_depends_on_the_value_and_not_on_its_writing() {
        let digest = digest_of(r#"{"a": 1, "b": [true, null, {"c": "x", "d": 2.5}]}"#);
        assert_eq!(digest.len(), 32);
        assert_eq!(digest, digest_of("{\"b\":[true,null,{\"d\":2.5,\n\"c\":\"\\u0078\"}],\"a\":1}"));
        for other in [
            r#"{"a": 1, "b": [true, null, {"c": "x", "d": 3}]}"#,
            r#"{"a": 1, "b": [true, {"c": "x", "d": 2.5}, null]}"#,
            r#"{"a": "1", "b": [true, null, {"c": "x", "d": 2.5}]}"#,
            r#"{"a": 1, "b": [true, null, {"c": "x", "d": 2.5}]"#,
            "",
        ] {
            assert_ne!(digest, digest_of(other), "{other}");
        }
    }

    #[test]
    fn every_part_of_an_identity_changes_the_fingerprint() {
        let identity = |parts: [&str; 5]| {
            let [check, ty, id, account, form] = parts.map(Into::into);
            Identity { check, ty, id, account, form }
        };
        let all = [
            ["C", "Member", "mia", "EAST", ""],
            ["D", "Member", "mia", "EAST", ""],
            ["C", "Team", "mia", "EAST", ""],
            ["C", "Member", "noa", "EAST", ""],
            ["C", "Member", "mia", "WEST", ""],
            ["C", "Member", "mia", "EAST", "d"],
            ["C", "Member", "mia", "EAST", "*members"],
            ["C", "Member", "mia\",\"EAST", "", ""],
            ["C", "Member", "", "mia\",\"EAST", ""],
        ];
        let fingerprints = all.map(|parts| identity(parts).fingerprint());
        let different: std::collections::BTreeSet<_> = fingerprints.iter().collect();
        assert_eq!(different.len(), all.len());
        assert_eq!(fingerprints[0], "93fff9b597f29b08c76201ffee38d493");
    }
}
