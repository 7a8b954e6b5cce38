//! The roles of policies: a policy is a check, a derivation or a waiver by its effect, action and annotations.

use super::adaptation::Adaptation;
use super::annotations::{Annotation, MAX_LENGTH, ON_CHECK, ON_DERIVATION, ON_WAIVER, annotations_of};
use super::cost::{MAX_VALIDATED, validation_cost};
use super::frameworks::FRAMEWORKS;
use super::model::{Check, CheckSeverity, Derivation, Policies, Scope, Statement};
use super::parse::{Grammatical, PolicyFile, not_by_policy, span_of, statement, with_parts};
use super::waivers::waiver;
use crate::diagnostic::{Code, Diagnostic, Label};
use crate::schema::{ActionRef, Origin, RequestScope, Schema, Slot, SlotId, Ty};
use crate::source::{Source, Span, byte_offset, is_hidden, nearest};
use crate::value::TypeId;
use cedar_policy::PolicyId;
use cedar_policy_core::ast;
use cedar_policy_core::parser::cst;
use smol_str::SmolStr;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Replaces the errors of policies that all have no role by one: they are probably for another schema.
pub(super) fn of_another_schema(schema: &Schema, diagnostics: &mut Vec<Diagnostic>) {
    let of_role = |found: &&Diagnostic| found.code == Code::PolicyRole;
    let count = diagnostics.iter().filter(of_role).count();
    let Some(first) = diagnostics.iter().find(of_role).filter(|_| count > 1) else { return };
    let name = schema.source.name();
    let message = format!("none of the {count} policies is a check or a derivation of schema `{name}`");
    let labels = first.labels.iter().map(|label| Label { text: "the first of them".into(), ..label.clone() }).collect();
    let action = &schema.model.audit.name;
    let help =
        format!("name the schema of these policies with --schema; in `{name}`, a check is a `forbid` for `{action}`");
    let error = Diagnostic { labels, ..Diagnostic::error(Code::PolicyRole, message).help(help) };
    diagnostics.retain(|found| found.code != Code::PolicyRole);
    diagnostics.insert(0, error);
}

pub(super) struct PolicyReader<'s> {
    schema: &'s Schema,
    adaptation: &'s Adaptation,
    policies: Policies,
    ids: HashMap<SmolStr, (Arc<Source>, Span)>,
    /// The cost of the validation of the policies so far, up to [`MAX_VALIDATED`].
    validated: usize,
    /// Whether the file that is read may have waivers only.
    only_waivers: bool,
    diagnostics: Vec<Diagnostic>,
}

impl<'s> PolicyReader<'s> {
    /// Returns a reader without policies.
    pub(super) fn new(schema: &'s Schema, adaptation: &'s Adaptation) -> Self {
        let (policies, ids, diagnostics) = (Policies::default(), HashMap::new(), Vec::new());
        Self { schema, adaptation, policies, ids, validated: 0, only_waivers: false, diagnostics }
    }

    /// Returns the policies, which are not validated yet, with the diagnostics.
    pub(super) fn finish(self) -> (Policies, Vec<Diagnostic>) {
        (self.policies, self.diagnostics)
    }

    /// Adds the policies of a file.
    pub(super) fn file(&mut self, file: &PolicyFile) {
        self.diagnostics.extend_from_slice(&file.diagnostics);
        file.broken.iter().for_each(|policy| self.record_unread(file.source.slice(*policy)));
        if let Some(sound) = &file.sound {
            self.policies_of(&file.source, sound);
        }
    }

    /// Adds the waivers of a file, in which any other policy is an error.
    pub(super) fn file_of_waivers(&mut self, file: &PolicyFile) {
        self.only_waivers = true;
        self.file(file);
        self.only_waivers = false;
    }

    /// Notes what a text that cannot be parsed would have derived.
    fn record_unread(&mut self, text: &str) {
        for rest in text.split("@derives").skip(1) {
            let name = rest.split('"').nth(1).unwrap_or_default();
            self.policies.unread_derivations.insert(name.into());
        }
    }

    fn policies_of(&mut self, file: &Arc<Source>, Grammatical { set, parts }: &Grammatical) {
        for template in set.templates() {
            let span = AsRef::<ast::Template>::as_ref(template).loc().map_or(Span::default(), span_of);
            let error = Diagnostic::error(
                Code::PolicyTemplate,
                "a template cannot be a check: it has a slot that nothing fills",
            );
            self.diagnostics.push(
                error
                    .label(file, span, "this policy has a slot")
                    .help("write the entity or condition in place of the `?` slot"),
            );
        }
        if with_parts(set, parts).count() != set.policies().count() {
            self.diagnostics.push(not_by_policy(file));
            self.record_unread(file.text());
        }
        for (policy, parts) in with_parts(set, parts) {
            if !self.policy(file, policy, parts) {
                self.policies.unread_derivations.extend(policy.annotation("derives").map(SmolStr::new));
            }
        }
    }

    /// Takes a policy in; `false` if it cannot be, after saying why.
    fn policy(&mut self, file: &Arc<Source>, policy: &cedar_policy::Policy, parts: &cst::PolicyImpl) -> bool {
        let core: &ast::Policy = policy.as_ref();
        let Some(statement) = statement(file, policy, parts) else { return false };
        let span = statement.span;
        let head = Span::new(parts.effect.loc.as_ref().map_or(span.start, |loc| byte_offset(loc.start())), span.end);
        let keyword = Span::new(head.start, head.start + 6);
        let annotations = annotations_of(policy, parts);
        let refuse = |reader: &mut Self, code, span, message: String| {
            reader.diagnostics.push(Diagnostic::error(code, message).label(file, span, ""));
        };
        for (name, most) in MAX_LENGTH {
            let Some(annotation) = annotations.get(name) else { continue };
            let length = annotation.value.chars().count();
            if length > most {
                let message = format!("`@{name}` has {length} characters; the limit is {most}");
                let error = Diagnostic::error(Code::PolicyAnnotation, message).label(file, annotation.value_span, "");
                self.diagnostics.push(error.help("shorten it"));
                return false;
            }
        }
        let id = match annotations.get("id") {
            Some(annotation) if !annotation.value.is_empty() => annotation.value.clone(),
            _ => {
                let error =
                    Diagnostic::error(Code::PolicyId, "policy without `@id`").label(file, keyword, "this policy");
                self.diagnostics.push(error.help("add an id that never changes, such as @id(\"ORG-AUTH-01\")"));
                return false;
            }
        };
        let id_span = annotations.get("id").map_or(keyword, |annotation| annotation.span);
        if let Some(what) = odd_in_id(&id) {
            let error = Diagnostic::error(Code::PolicyId, format!("the id {id:?} has {what}"));
            let error = error.label(file, id_span, "");
            let help =
                "write letters, digits and dashes, such as @id(\"ORG-AUTH-01\"): options and cases refer to the id";
            self.diagnostics.push(error.help(help));
            return false;
        }
        if let Some((first, at)) = self.ids.get(&id) {
            let error = Diagnostic::error(Code::PolicyId, format!("two policies have the id `{id}`"));
            self.diagnostics.push(error.label(file, id_span, "again here").label(first, *at, "first here"));
            return false;
        }
        self.ids.insert(id.clone(), (Arc::clone(file), id_span));
        if !self.schema.validates(file) {
            let scope = RequestScope::of(core);
            let cost = match self.schema.validator_of(&scope) {
                Ok(validator) => validation_cost(validator.schema(), &scope, file.slice(span)),
                Err(errors) => {
                    self.diagnostics.extend_from_slice(errors);
                    return false;
                }
            };
            self.validated = self.validated.saturating_add(cost.total());
            if self.validated > MAX_VALIDATED {
                self.diagnostics.push(cost.too_much(file, keyword));
                return false;
            }
        }
        let statement = Statement { id: id.clone(), ..statement };
        let forbids = matches!(policy.effect(), cedar_policy::Effect::Forbid);
        let model = Arc::clone(&self.schema.model);
        let acts_on = |action: &ActionRef| model.takes_in(core.action_constraint(), action);
        let (audits, derives) = (acts_on(&model.audit), model.derive.as_ref().is_some_and(acts_on));
        let known = if self.only_waivers && !annotations.contains_key("waives") {
            let message = format!("`{id}` is not a waiver, and `{}` is a file of waivers", file.name());
            let error = Diagnostic::error(Code::PolicyRole, message).label(file, keyword, "");
            self.diagnostics.push(error.help("move it to a file of --policies, or write a `permit` with `@waives`"));
            return false;
        } else if annotations.contains_key("derives") {
            if model.derive.is_none() {
                let message = format!("`{id}` is a derivation, and the schema declares no action `derive`");
                let help = "write `action \"derive\" appliesTo { principal: [...], resource: [...], context: ... };`";
                self.diagnostics.push(Diagnostic::error(Code::PolicyRole, message).label(file, keyword, "").help(help));
                return false;
            }
            if !derives {
                refuse(
                    self,
                    Code::PolicyRole,
                    keyword,
                    format!("`{id}` has `@derives` but is not for the action `derive`"),
                );
                return false;
            }
            self.derivation(file, &annotations, !forbids, statement);
            ON_DERIVATION
        } else if annotations.contains_key("waives") {
            if forbids || !audits {
                let is = if forbids { "is a `forbid`" } else { "is not for the action `audit`" };
                let message = format!("`{id}` has `@waives` but {is}");
                let error = Diagnostic::error(Code::PolicyRole, message).label(file, keyword, "");
                self.diagnostics.push(error.help(format!("a waiver is a `permit` for `{}`", model.audit.name)));
                return false;
            }
            let (waiver, wrong) = waiver(file, &annotations, statement, keyword, &self.adaptation.annotations);
            self.diagnostics.extend(wrong);
            self.policies.waivers.push(waiver);
            ON_WAIVER
        } else if forbids && audits {
            self.check(file, &annotations, statement, keyword);
            ON_CHECK
        } else {
            let message = match (forbids, audits, derives) {
                (false, true, _) => format!("`{id}` permits `audit` and has no `@waives`"),
                (_, _, true) => format!("`{id}` is for the action `derive` but has no `@derives`"),
                _ => format!("`{id}` is not a check, a derivation or a waiver"),
            };
            let derivation = model.derive.as_ref().map_or_else(String::new, |derive| {
                format!(", a derivation a `permit` for `{}` with `@derives`", derive.name)
            });
            let audit = &model.audit.name;
            let help = format!(
                "in this schema, a check is a `forbid` for `{audit}`{derivation}, and a waiver a `permit` for `{audit}` with `@waives`"
            );
            self.diagnostics.push(Diagnostic::error(Code::PolicyRole, message).label(file, keyword, "").help(help));
            return false;
        };
        let own = self.adaptation.annotations.iter().map(SmolStr::as_str);
        let known: Vec<&str> = known.iter().copied().chain(own).collect();
        for (name, annotation) in annotations.iter().filter(|(name, _)| !known.contains(&name.as_str())) {
            let error = Diagnostic::error(Code::PolicyAnnotation, format!("unknown annotation `@{name}`"));
            let known: Vec<String> = known.iter().map(|known| format!("@{known}")).collect();
            let error =
                error.label(file, annotation.span, "").suggest(&format!("@{name}"), known.iter().map(String::as_str));
            self.diagnostics.push(error);
        }
        if self.policies.cedar.add(policy.new_id(PolicyId::new(&id))).is_err() {
            refuse(self, Code::PolicyId, id_span, format!("two policies have the id `{id}`"));
        }
        true
    }

    fn check(
        &mut self,
        file: &Arc<Source>,
        annotations: &BTreeMap<SmolStr, Annotation>,
        statement: Statement,
        keyword: Span,
    ) {
        let text = |name: &str| annotations.get(name).map(|annotation| annotation.value.clone());
        let id = statement.id.clone();
        let mut valid = true;
        for name in ["title", "severity"] {
            if text(name).is_none_or(|value| value.is_empty()) {
                valid = false;
                let span = annotations.get(name).map_or(keyword, |annotation| annotation.span);
                let error = Diagnostic::error(Code::PolicyAnnotation, format!("check `{id}` has no `@{name}`"));
                let help = match name {
                    "severity" => "add @severity(\"high\"), or `low`, `medium` or `critical`",
                    _ => "describe the requirement in one line, such as @title(\"Disks are encrypted\")",
                };
                self.diagnostics.push(error.label(file, span, "this check").help(help));
            }
        }
        let level =
            annotations.get("severity").filter(|annotation| !annotation.value.is_empty()).and_then(|annotation| {
                match annotation.value.parse::<CheckSeverity>() {
                    Ok(level) => Some(level),
                    Err(_) => {
                        valid = false;
                        let error =
                            Diagnostic::error(Code::PolicySeverity, format!("unknown severity `{}`", annotation.value));
                        self.diagnostics.push(
                            error
                                .label(file, annotation.value_span, "")
                                .suggest(&annotation.value, CheckSeverity::ALL.map(CheckSeverity::name)),
                        );
                        None
                    }
                }
            });
        let controls = self.controls(file, annotations);
        self.policies.checks.push(Check {
            title: text("title").unwrap_or_default(),
            // An unreadable severity has been reported; until it is corrected, the check has the highest one.
            severity: level.unwrap_or(CheckSeverity::Critical),
            remediation: text("remediation"),
            reference: text("source"),
            doc: text("doc"),
            overridden: None,
            controls,
            statement: Statement { valid, ..statement },
        });
    }

    /// Returns the controls of a check by framework, in the order of [`Adaptation::framework_names`].
    fn controls(
        &mut self,
        file: &Arc<Source>,
        annotations: &BTreeMap<SmolStr, Annotation>,
    ) -> Vec<(SmolStr, Vec<SmolStr>)> {
        fn listed(text: &str) -> impl Iterator<Item = &str> {
            text.split(',').map(str::trim).filter(|control| !control.is_empty())
        }
        let adaptation = self.adaptation;
        let mut found: Vec<(SmolStr, Vec<SmolStr>)> =
            adaptation.framework_names().map(|name| (name.into(), Vec::new())).collect();
        let mut add = |name: &str, control: &str| {
            let framework = found.iter_mut().find(|(known, _)| known == name);
            if let Some((_, controls)) = framework
                && !controls.iter().any(|known| known == control)
            {
                controls.push(control.into());
            }
        };
        for framework in FRAMEWORKS {
            let Some(annotation) = annotations.get(framework.annotation) else { continue };
            listed(&annotation.value).for_each(|control| add(framework.name, control));
        }
        for written in annotations.get("controls").iter().flat_map(|annotation| listed(&annotation.value)) {
            let span = annotations.get("controls").map_or_else(Span::default, |annotation| annotation.value_span);
            let (name, control) = match written.split_once(':').map(|(name, control)| (name.trim(), control.trim())) {
                Some((name, control)) if !name.is_empty() && !control.is_empty() => (name, control),
                _ => {
                    let message = format!("`{written}` does not name a framework and a control");
                    let error = Diagnostic::error(Code::PolicyAnnotation, message).label(file, span, "");
                    self.diagnostics.push(error.help("write `FRAMEWORK:CONTROL`, such as @controls(\"cis-v8:6.3\")"));
                    continue;
                }
            };
            if adaptation.framework_names().any(|known| known == name) {
                add(name, control);
                continue;
            }
            let message = format!("there is no framework `{name}`");
            let error = Diagnostic::error(Code::PolicyAnnotation, message).label(file, span, "");
            let names: Vec<&str> = adaptation.framework_names().collect();
            self.diagnostics.push(match nearest(name, names.iter().copied()) {
                Some(near) => error.help(format!("did you mean `{near}`?")),
                None => error.help(format!("declare it in deodar.toml: frameworks = [\"{name}\"]")),
            });
        }
        found.retain(|(_, controls)| !controls.is_empty());
        found
    }

    fn derivation(
        &mut self,
        file: &Arc<Source>,
        annotations: &BTreeMap<SmolStr, Annotation>,
        adds: bool,
        statement: Statement,
    ) {
        let Some(annotation) = annotations.get("derives") else { return };
        let named = |scope: &Scope| scope.ty.as_ref().and_then(|name| self.schema.model.type_named(name));
        let (principal, resource) = (named(&statement.principal), named(&statement.resource));
        let model = &self.schema.model;
        let derived = |ty: TypeId| {
            let slots = model.ty(ty).slots.iter().filter(|slot| slot.origin == crate::schema::Origin::Derived);
            slots.map(crate::schema::Slot::dotted).collect::<Vec<_>>()
        };
        let mut valid = true;
        let defines = statement.principal == Scope::default() && !statement.names_principal();
        for (variable, ty) in [("principal", principal), ("resource", resource)] {
            if ty.is_none() && !(defines && variable == "principal") {
                valid = false;
                let message = format!("derivation `{}` has no type for its {variable}", statement.id);
                let error = Diagnostic::error(Code::DerivationScope, message).label(file, annotation.span, "");
                self.diagnostics.push(error.help(format!("write `{variable} is T` in its scope")));
            }
        }
        match resource {
            None => {}
            Some(ty) if !derived(ty).contains(&annotation.value.to_string()) => {
                valid = false;
                let error = Diagnostic::error(
                    Code::DerivationTarget,
                    format!("`{}` has no `@derived` attribute `{}`", model.ty(ty).name, annotation.value),
                );
                let valid = derived(ty);
                self.diagnostics.push(
                    error
                        .label(file, annotation.value_span, "")
                        .suggest(&annotation.value, valid.iter().map(String::as_str)),
                );
            }
            Some(ty) => {
                let slot = model.ty(ty).slots.iter().find(|slot| slot.dotted() == annotation.value.as_str());
                if let Some(slot) = slot.filter(|slot| defines && slot.ty != Ty::Bool) {
                    valid = false;
                    let derived = model.show(&slot.ty);
                    let message = format!("`{}` is a {derived}, and a definition is true or false", annotation.value);
                    let error =
                        Diagnostic::error(Code::DerivationTarget, message).label(file, annotation.value_span, "");
                    self.diagnostics.push(error.help("write `principal is T` in the scope, or declare it as a Bool"));
                }
                if let (Some(Ty::Set(element)), Some(principal)) = (slot.map(|slot| &slot.ty), principal)
                    && **element != Ty::Entity(principal)
                {
                    valid = false;
                    let gathered = model.show(&Ty::Set(Arc::clone(element)));
                    let message = format!(
                        "`{}` is a {gathered}, but the principals are of type {}",
                        annotation.value,
                        model.short_name(principal)
                    );
                    self.diagnostics.push(Diagnostic::error(Code::DerivationTarget, message).label(
                        file,
                        annotation.value_span,
                        "",
                    ));
                }
            }
        }
        let mut distinct = None;
        if let Some(named) = annotations.get("distinct") {
            match self.distinct(principal.filter(|_| !defines && adds), resource, (annotation, named)) {
                Ok(slot) => distinct = Some(slot),
                Err(wrong) => {
                    valid = false;
                    self.diagnostics.push(wrong.label(file, named.value_span, ""));
                }
            }
        }
        valid &= self.counts_alike(file, annotation, (distinct, adds), &statement);
        self.policies.derivations.push(Arc::new(Derivation {
            distinct,
            derives: annotation.value.clone(),
            derives_span: annotation.value_span,
            subtracts: !adds,
            defines,
            statement: Statement { valid, ..statement },
        }));
    }

    /// Returns the slot of the principals whose different values a derivation counts.
    fn distinct(
        &self,
        principal: Option<TypeId>,
        resource: Option<TypeId>,
        (derives, named): (&Annotation, &Annotation),
    ) -> Result<SlotId, Diagnostic> {
        let model = &self.schema.model;
        let error = |message: String| Diagnostic::error(Code::DerivationTarget, message);
        let Some(principal) = principal else {
            let error = error("`@distinct` counts values of the principals that a `permit` adds".to_owned());
            return Err(error.help("write `principal is T` in the scope of a `permit`, or remove `@distinct`"));
        };
        let mut slots = resource.into_iter().flat_map(|ty| &model.ty(ty).slots);
        let target = slots.find(|slot| slot.dotted() == derives.value.as_str());
        if target.is_some_and(|slot| slot.ty != Ty::Long) {
            let error = error(format!("`@distinct` counts, and `{}` is not a Long", derives.value));
            return Err(error.help("declare the attribute as a Long, or remove `@distinct`"));
        }
        let ty = model.ty(principal);
        let is_scalar = |ty: &Ty| !matches!(ty, Ty::Set(_) | Ty::Record(_));
        let is_read =
            |slot: &Slot| matches!(slot.origin, Origin::Read(..) | Origin::Enclosing(_)) && is_scalar(&slot.ty);
        match ty.slots.entries().find(|(_, slot)| slot.dotted() == named.value.as_str() && is_read(slot)) {
            Some((slot, _)) => Ok(slot),
            None => {
                let names: Vec<String> = ty.slots.iter().filter(|slot| is_read(slot)).map(Slot::dotted).collect();
                let message = format!("`{}` has no single value `{}` in the snapshot", ty.name, named.value);
                Err(error(message).suggest(&named.value, names.iter().map(String::as_str)))
            }
        }
    }

    /// Rejects a derivation that counts otherwise than an earlier one of the same attribute.
    fn counts_alike(
        &mut self,
        file: &Arc<Source>,
        derives: &Annotation,
        (distinct, adds): (Option<SlotId>, bool),
        statement: &Statement,
    ) -> bool {
        let is_of_it = |other: &&Arc<Derivation>| {
            other.derives == derives.value && other.statement.resource.ty == statement.resource.ty && !other.subtracts
        };
        let differs = |other: &&Arc<Derivation>| {
            let same_type = other.statement.principal.ty == statement.principal.ty;
            other.distinct.is_some() != distinct.is_some() || same_type && other.distinct != distinct
        };
        let Some(other) = self.policies.derivations.iter().filter(is_of_it).find(differs).filter(|_| adds) else {
            return true;
        };
        let message = format!("`{}` counts principals in one derivation and values in another", derives.value);
        let error = Diagnostic::error(Code::DerivationTarget, message).label(file, derives.value_span, "");
        let error = error.label(&other.statement.source, other.derives_span, "the other one");
        self.diagnostics.push(error.help("write the same `@distinct` on every `permit` of the attribute"));
        false
    }
}

/// Returns the part of an id that options and cases cannot name: white space ends it there, a comma begins the next one, and
/// `*` is a pattern.
fn odd_in_id(id: &str) -> Option<&'static str> {
    id.chars().find_map(|c| match c {
        '*' => Some("a `*`"),
        ',' => Some("a comma"),
        c if c.is_control() || is_hidden(c) => Some("a control or invisible character"),
        c if c.is_whitespace() => Some("white space"),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::odd_in_id;

    #[test]
    fn an_id_is_one_word_of_options_and_cases() {
        for id in ["a b", " a", "a\u{a0}", "a*", "a,b", "a\n", "a\u{200b}"] {
            assert!(odd_in_id(id).is_some(), "{id:?}");
        }
        for id in ["ORG-AUTH-01", "keys.old/2", "Pr\u{fc}fung_1", "a:b"] {
            assert_eq!(odd_in_id(id), None, "{id}");
        }
    }
}
