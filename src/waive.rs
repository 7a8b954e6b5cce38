//! Waivers for findings of a saved report, as Cedar.
//!
//! A waiver is bound to the account, the resource, and the values of the snapshot that decided, so that it waives this
//! finding and does not waive it any more after one of these values changes. A value that a report masks, cuts or does
//! not have cannot be bound.

use crate::diagnostic::{Code, Diagnostic};
use crate::engine::{MOST_MEMBERS, Verdict};
use crate::pack::Pack;
use crate::render::document::{Document, Finding, Read};
use crate::report::{MASK, PackReport, ReadKind, ReadState};
use crate::schema::{Attribute, EntityType, Model, Shape, Ty};
use crate::value::TypeId;
use cedar_policy_core::ast::{EntityUID, Expr, ExprKind, Id, RestrictedExpr};
use smol_str::SmolStr;
use std::collections::BTreeSet;

/// The annotations of new waivers.
#[derive(Debug, Clone)]
pub struct Terms {
    /// The reason.
    pub reason: String,
    /// The owner.
    pub owner: String,
    /// The last day, `YYYY-MM-DD`.
    pub until: String,
    /// The ticket.
    pub ticket: Option<String>,
    /// Whether unknown verdicts are waived.
    pub unknown_too: bool,
}

/// Returns a waiver for each fingerprint, as one policy of Cedar each.
///
/// # Errors
/// A diagnostic for each finding that cannot be waived.
pub fn waivers(
    pack: &Pack,
    described: &PackReport,
    report: &Document<'_>,
    fingerprints: &[String],
    terms: &Terms,
) -> Result<Vec<String>, Vec<Diagnostic>> {
    if let Some(error) = of_other_policies(described, report) {
        return Err(vec![error]);
    }
    let policies = pack.policies();
    let checks = policies.checks.iter().map(|check| &check.statement.id);
    let derivations = policies.derivations.iter().map(|derivation| &derivation.statement.id);
    let waivers = policies.waivers.iter().map(|waiver| &waiver.statement.id);
    let mut ids: BTreeSet<SmolStr> = checks.chain(derivations).chain(waivers).cloned().collect();
    let (mut written, mut errors, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for fingerprint in fingerprints {
        let found = finding(report, fingerprint);
        if found.as_ref().is_ok_and(|finding| !seen.insert(&finding.fingerprint)) {
            continue;
        }
        let draft = found.and_then(|finding| {
            let id = new_id(finding, &ids);
            let text = Draft { model: pack.model(), finding }.text(&id, terms)?;
            Ok((id, text))
        });
        match draft {
            Ok((id, text)) => {
                ids.insert(id);
                written.push(text);
            }
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(written) } else { Err(errors) }
}

fn refused(message: String, help: &str) -> Diagnostic {
    Diagnostic::error(Code::WaiverRefused, message).help(help)
}

/// Returns the error for a report that other policies wrote.
fn of_other_policies(described: &PackReport, report: &Document<'_>) -> Option<Diagnostic> {
    use crate::report::FileRole;
    let of_run = report.run.pack_files.iter().filter(|file| file.role != FileRole::Waivers);
    let here = described.files.iter().filter(|file| file.role != FileRole::Waivers);
    let differ = of_run.map(|file| &*file.sha256).ne(here.map(|file| file.sha256.as_str()));
    let message = format!("the report is of {}, and its files differ from {}", report.run.pack, described.name);
    differ.then(|| {
        refused(message, "name the policies of the report with --pack, --policies and --schema, or check again")
    })
}

/// The fewest digits of a fingerprint that name a finding.
const SHORTEST: usize = 8;

/// Returns the finding whose fingerprint begins with some digits.
fn finding<'d>(report: &'d Document<'_>, fingerprint: &str) -> Result<&'d Finding<'d>, Diagnostic> {
    if fingerprint.len() < SHORTEST {
        let message = format!("the fingerprint `{fingerprint}` is too short");
        return Err(refused(message, "write at least the first eight digits"));
    }
    let found: Vec<&Finding<'_>> =
        report.findings.iter().filter(|it| it.fingerprint.starts_with(fingerprint)).collect();
    match found[..] {
        [one] => Ok(one),
        [] => {
            let message = format!("the report has no finding with the fingerprint `{fingerprint}`");
            Err(refused(message, "run `deodar check --style full`, which prints the fingerprint of each finding"))
        }
        _ => {
            let message = format!("{} findings have the fingerprint `{fingerprint}`", found.len());
            Err(refused(
                message,
                "write more digits; accounts with equal ids have equal fingerprints: name the report of one account",
            ))
        }
    }
}

/// Returns an id that no policy has.
fn new_id(finding: &Finding<'_>, ids: &BTreeSet<SmolStr>) -> SmolStr {
    let check: String = finding.check.chars().take(150).collect();
    let fingerprint: String = finding.fingerprint.chars().take(8).collect();
    let base = format!("W-{check}-{fingerprint}");
    let numbered = (2..).map(|number: u64| format!("{base}-{number}"));
    let mut free = std::iter::once(base.clone()).chain(numbered).filter(|id| !ids.contains(id.as_str()));
    free.next().unwrap_or(base).into()
}

/// Returns the name of the root entity if it has no key: then a waiver is for every account.
pub fn keyless_root(pack: &Pack) -> Option<&str> {
    let model = pack.model();
    model.ty(model.root).key.is_none().then(|| model.short_name(model.root))
}

/// A waiver of a finding, before it is written.
struct Draft<'d> {
    model: &'d Model,
    finding: &'d Finding<'d>,
}

impl Draft<'_> {
    fn text(&self, id: &str, terms: &Terms) -> Result<String, Diagnostic> {
        let finding = self.finding;
        let unknown = self.refuses_verdict(terms)?;
        let resource = self.resource()?;
        let principal = match self.model.ty(self.model.root).key {
            Some(_) => format!("principal == {}", self.uid(self.model.root, &finding.account)?),
            None => "principal".to_owned(),
        };
        let mut conditions: Vec<String> = Vec::new();
        for read in finding.clauses.iter().flat_map(|clause| &clause.reads) {
            for condition in self.bound(read)? {
                if !conditions.contains(&condition) {
                    conditions.push(condition);
                }
            }
        }
        let mut text = format!("@id({id:?})\n@waives({:?})\n@reason({:?})\n", &*finding.check, terms.reason);
        text += &format!("@owner({:?})\n@expires({:?})\n", terms.owner, terms.until);
        text.extend(terms.ticket.iter().map(|ticket| format!("@ticket({ticket:?})\n")));
        // Without a key, or with a key that has a `/`, the id may be that of another resource in a later snapshot.
        if finding.resource.identity.is_some() {
            text += &format!("@fingerprint(\"{}\")\n", finding.fingerprint);
        }
        if unknown {
            text += "@unknown_too(\"only\")\n";
        }
        let action = &self.model.audit.name;
        text += &format!("permit ({principal}, action == {action}, resource == {resource})");
        if !conditions.is_empty() {
            text += &format!("\nwhen {{ {} }}", conditions.join(" && "));
        }
        Ok(text + ";\n")
    }

    /// Returns whether the verdict is unknown.
    ///
    /// # Errors
    /// When the verdict cannot be waived.
    fn refuses_verdict(&self, terms: &Terms) -> Result<bool, Diagnostic> {
        let finding = self.finding;
        let name = format!("the verdict of `{}` on {} {}", finding.check, finding.resource.ty, finding.resource.id);
        let verdict = finding.verdict.name().replace('_', " ");
        if let Some(by) = &finding.waiver {
            let message = format!("{name} is waived by `{}` until {}", by.id, by.expires);
            return Err(refused(message, "change `@expires` of this waiver, or remove it and check again"));
        }
        let is_list = finding.resource.identity.as_ref().is_some_and(|identity| identity.form.contains('*'));
        match finding.verdict {
            Verdict::Fail => Ok(false),
            Verdict::Unknown if !terms.unknown_too => {
                Err(refused(format!("{name} is unknown"), "capture what is missing, or pass --unknown-too"))
            }
            Verdict::Unknown if is_list => {
                let message = format!("{name} is about a list that was not captured");
                Err(refused(message, "capture the list, and check again: its resources have names then"))
            }
            Verdict::Unknown => Ok(true),
            _ => Err(refused(format!("{name} is {verdict}"), "name a failure or an unknown verdict")),
        }
    }

    /// Returns the resource as Cedar writes it.
    fn resource(&self) -> Result<String, Diagnostic> {
        let resource = &self.finding.resource;
        let named = |ty: &&TypeId| self.model.short_name(**ty) == resource.ty;
        let mut types = self.model.audit.resources.iter().filter(named);
        match (types.next(), types.next()) {
            (Some(ty), None) => self.uid(*ty, &resource.id),
            _ => Err(self.unbound(&format!("the type `{}` is not one type of the schema", resource.ty))),
        }
    }

    fn uid(&self, ty: TypeId, id: &str) -> Result<String, Diagnostic> {
        let text = format!("{}::{id:?}", self.model.ty(ty).name);
        let uid: Result<EntityUID, _> = text.parse();
        uid.map(|uid| uid.to_string()).map_err(|_| self.unbound(&format!("`{text}` is not an entity")))
    }

    fn unbound(&self, reason: &str) -> Diagnostic {
        let finding = self.finding;
        let message = format!(
            "no waiver can be bound to `{}` on {} {}: {reason}",
            finding.check, finding.resource.ty, finding.resource.id
        );
        refused(message, "write a waiver by hand, with conditions that only this failure satisfies")
    }

    fn not_known(&self, read: &Read<'_>) -> Diagnostic {
        let of = if read.kind == ReadKind::Parameter { "the parameter " } else { "" };
        self.unbound(&format!("{of}`{}` is not known in full", read.name))
    }

    /// Returns the condition that an expression has the value that was read.
    fn equal(&self, of: &str, read: &Read<'_>, ty: Option<&Ty>) -> Result<String, Diagnostic> {
        let value = literal(read, ty).ok_or_else(|| self.not_known(read))?;
        if is_empty_set(&value) {
            return Ok(format!("{of}.isEmpty()"));
        }
        match without_literal(&value, ty) {
            Some(part) => {
                let place = read.pointer.as_ref().map_or_else(String::new, |pointer| format!(", at {pointer},"));
                Err(self.unbound(&format!("`{}`{place} contains {part}, and Cedar has no literal of it", read.name)))
            }
            None => Ok(format!("{of} == {value}")),
        }
    }

    /// Returns the conditions that hold while a value is the one that was read.
    fn bound(&self, read: &Read<'_>) -> Result<Vec<String>, Diagnostic> {
        let not_known = || self.not_known(read);
        match (read.kind, read.state) {
            // A parameter with a place is a value that the account sets.
            (ReadKind::Parameter, state) if read.pointer.is_some() => return self.bound_parameter(read, state),
            (ReadKind::Parameter | ReadKind::Now, _) => return Ok(Vec::new()),
            _ if read.value.as_deref() == Some(MASK) => {
                return Err(self.unbound(&format!("the value of `{}` is secret", read.name)));
            }
            (_, ReadState::Known | ReadState::Absent) => {}
            // The verdict is unknown because of such a value, so that no condition on it is true.
            _ if self.finding.verdict == Verdict::Unknown => return Ok(Vec::new()),
            _ => return Err(not_known()),
        }
        let (ty, of) = self.holder(read)?;
        let declared = self.model.ty(ty);
        if read.kind == ReadKind::Tag {
            let name = format!("{:?}", &*read.name);
            if read.state == ReadState::Absent {
                return Ok(vec![format!("!{of}.hasTag({name})")]);
            }
            let tags = declared.tags.and_then(|slot| declared.slots.find(slot)).map(|slot| &slot.ty);
            let value = format!("{of}.getTag({name})");
            return Ok(vec![format!("{of}.hasTag({name})"), self.equal(&value, read, tags)?]);
        }
        if self.is_in_absent_record(read) {
            return Ok(Vec::new());
        }
        let slot = declared.slots.iter().find(|slot| slot.dotted() == read.name);
        let path = slot.map(|slot| &slot.path).ok_or_else(not_known)?;
        let (mut conditions, value, last) = steps(declared, &of, path).ok_or_else(not_known)?;
        if read.state == ReadState::Absent {
            // The records around it are present: a read of one that is absent names the record.
            let present = conditions.pop().filter(|_| !last.required).ok_or_else(not_known)?;
            conditions.push(format!("!({present})"));
            return Ok(conditions);
        }
        // A record that is compared has a read of each member. One of the record itself tests that it is present.
        match &last.shape {
            Shape::Leaf(_) => conditions.push(self.equal(&value, read, Some(&last.ty))?),
            // The report does not have the values of a larger one.
            Shape::Record(..) if values_in(last) > MOST_MEMBERS => {
                return Err(self.unbound(&format!("`{}` is a record of more than {MOST_MEMBERS} values", read.name)));
            }
            Shape::Record(..) => {}
        }
        Ok(conditions)
    }

    /// Returns whether the finding reads that a record around an absent value is absent.
    fn is_in_absent_record(&self, read: &Read<'_>) -> bool {
        let is_around = |record: &Read<'_>| {
            let is_absent = |it: &Read<'_>| it.kind == ReadKind::Attribute && it.state == ReadState::Absent;
            let below = read.name.strip_prefix(&*record.name);
            [record, read].into_iter().all(is_absent)
                && record.entity == read.entity
                && below.is_some_and(|below| below.starts_with('.'))
        };
        self.finding.clauses.iter().flat_map(|clause| &clause.reads).any(is_around)
    }

    /// Returns the conditions that hold while a parameter that the account sets has the value that was read.
    fn bound_parameter(&self, read: &Read<'_>, state: ReadState) -> Result<Vec<String>, Diagnostic> {
        let not_known = || self.not_known(read);
        let declared = self.model.parameters.iter().find(|parameter| *parameter.name == *read.name);
        let declared = declared.ok_or_else(not_known)?;
        let (has, value) = match read.name.parse::<Id>() {
            Ok(_) => (format!("context.parameters has {}", read.name), format!("context.parameters.{}", read.name)),
            Err(_) => {
                let name = format!("{:?}", &*read.name);
                (format!("context.parameters has {name}"), format!("context.parameters[{name}]"))
            }
        };
        match state {
            ReadState::Known => {
                let equal = self.equal(&value, read, Some(&declared.ty))?;
                Ok(if declared.required { vec![equal] } else { vec![has, equal] })
            }
            ReadState::Absent if !declared.required => Ok(vec![format!("!({has})")]),
            // The verdict is unknown because of such a value, so that no condition on it is true.
            _ if self.finding.verdict == Verdict::Unknown => Ok(Vec::new()),
            _ => Err(not_known()),
        }
    }

    /// Returns the type of the entity that has a value, and the entity as Cedar writes it.
    fn holder(&self, read: &Read<'_>) -> Result<(TypeId, String), Diagnostic> {
        let finding = self.finding;
        let entity = read.entity.as_deref().unwrap_or_default();
        let unnamed = || self.unbound(&format!("the report does not name the entity of `{}`", read.name));
        let (short, id) = entity.find("::\"").map(|at| entity.split_at(at)).ok_or_else(unnamed)?;
        let id = id.trim_start_matches("::");
        let types: Vec<TypeId> = self.model.type_ids().filter(|ty| self.model.short_name(*ty) == short).collect();
        let [ty] = types[..] else { return Err(unnamed()) };
        let is = |of: TypeId, own: &str| of == ty && id == format!("{own:?}");
        if short == finding.resource.ty && id == format!("{:?}", &*finding.resource.id) {
            return Ok((ty, "resource".to_owned()));
        }
        if is(self.model.root, &finding.account) {
            return Ok((ty, "principal".to_owned()));
        }
        let uid: EntityUID = format!("{}::{id}", self.model.ty(ty).name).parse().map_err(|_| unnamed())?;
        Ok((ty, uid.to_string()))
    }
}

/// Returns the tests for the optional steps of a path of attributes, the expression of its value, and its last attribute.
fn steps<'m>(declared: &'m EntityType, of: &str, path: &[SmolStr]) -> Option<(Vec<String>, String, &'m Attribute)> {
    let (mut attributes, mut at, mut last) = (&declared.attributes[..], of.to_owned(), None);
    let mut tests = Vec::new();
    for name in path {
        let attribute = attributes.iter().find(|attribute| attribute.name == *name)?;
        let is_word = name.parse::<Id>().is_ok();
        if !attribute.required {
            tests.push(if is_word { format!("{at} has {name}") } else { format!("{at} has {:?}", name.as_str()) });
        }
        at = if is_word { format!("{at}.{name}") } else { format!("{at}[{:?}]", name.as_str()) };
        attributes = match &attribute.shape {
            Shape::Record(_, members) => members,
            Shape::Leaf(_) => &[],
        };
        last = Some(attribute);
    }
    Some((tests, at, last?))
}

/// Returns the number of values that an attribute consists of.
fn values_in(attribute: &Attribute) -> usize {
    match &attribute.shape {
        Shape::Leaf(_) => 1,
        Shape::Record(_, members) => members.iter().map(values_in).sum::<usize>().max(1),
    }
}

fn is_empty_set(value: &Expr) -> bool {
    matches!(value.expr_kind(), ExprKind::Set(items) if items.is_empty())
}

/// Returns a part of a value of a type that Cedar's validator rejects as a literal.
fn without_literal(value: &Expr, ty: Option<&Ty>) -> Option<String> {
    match (value.expr_kind(), ty) {
        (ExprKind::Set(items), _) if items.is_empty() => Some("an empty set".to_owned()),
        (ExprKind::Set(items), ty) => {
            let item = if let Some(Ty::Set(item)) = ty { Some(&**item) } else { None };
            items.iter().find_map(|value| without_literal(value, item))
        }
        (ExprKind::Record(fields), ty) => {
            let members = if let Some(Ty::Record(members)) = ty { &members[..] } else { &[] };
            // A literal has required members only, and its type has to be the same.
            if let Some(optional) = members.iter().find(|member| !member.required) {
                return Some(format!("a record with the optional member `{}`", optional.name));
            }
            let ty = |name: &SmolStr| members.iter().find(|member| member.name == *name).map(|member| &member.ty);
            fields.iter().find_map(|(name, value)| without_literal(value, ty(name)))
        }
        _ => None,
    }
}

/// Returns the value of a read as an expression of Cedar; `None` if the report does not have the whole value.
fn literal(read: &Read<'_>, ty: Option<&Ty>) -> Option<RestrictedExpr> {
    if let Some(exact) = &read.exact {
        // Only values can be parsed so: a report is not trusted to contain conditions.
        return exact.parse().ok();
    }
    // The condition reads a folded text, not the text of the snapshot.
    let value = read.compared_as.as_deref().or(read.value.as_deref())?;
    match ty? {
        Ty::Bool => value.parse::<bool>().ok().map(RestrictedExpr::val),
        Ty::Long => value.parse::<i64>().ok().map(RestrictedExpr::val),
        Ty::String => serde_json::from_str::<String>(value).ok().map(RestrictedExpr::val),
        // Of other types, the report has the expression only if it differs from the text.
        _ => value.parse().ok(),
    }
}
