//! Test cases in the format of Cedar's integration tests, and the comparison of Deodar's answers with theirs.

use cedar_policy::{Context, Entities, EntityUid, PolicyId, PolicySet, Request, Schema};
use deodar::authorize::{Authorizer, Response};
use deodar::diagnostic::Code;
use deodar::source::Source;
use rayon::prelude::*;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A test case: policies, entities and a schema in files of their own, and requests with the answers they must get.
#[derive(Deserialize)]
struct Case {
    policies: String,
    entities: String,
    schema: String,
    #[serde(alias = "queries")]
    requests: Vec<Asked>,
}

/// A request with its answer.
#[derive(Deserialize)]
struct Asked {
    #[serde(default, alias = "desc")]
    description: String,
    #[serde(default)]
    principal: serde_json::Value,
    #[serde(default)]
    action: serde_json::Value,
    #[serde(default)]
    resource: serde_json::Value,
    #[serde(default)]
    context: serde_json::Value,
    decision: String,
    #[serde(alias = "reasons")]
    reason: Vec<String>,
    errors: Vec<String>,
}

/// What became of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Deodar gives the answer that the file expects.
    Agrees,
    /// What differs, a phrase for each.
    Differs(Vec<String>),
    /// Why the two cannot be compared.
    Skipped(String),
}

/// A request by its place.
#[derive(Debug)]
pub(crate) struct Compared {
    /// The file, as it was found.
    pub file: PathBuf,
    /// Its number in the file, from 0.
    pub number: usize,
    /// Its description.
    pub description: String,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of every request of every case.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    /// The requests, in order of their files.
    pub requests: Vec<Compared>,
    /// Cases found.
    pub cases: usize,
    /// Cases that cannot be read, and why.
    pub unreadable: Vec<String>,
}

impl Comparison {
    /// Returns how many requests agree.
    pub(crate) fn agree(&self) -> usize {
        self.requests.iter().filter(|request| request.outcome == Outcome::Agrees).count()
    }

    /// Returns the requests that differ, and what does.
    pub(crate) fn differ(&self) -> impl Iterator<Item = (&Compared, &[String])> {
        self.requests.iter().filter_map(|request| match &request.outcome {
            Outcome::Differs(what) => Some((request, &what[..])),
            _ => None,
        })
    }

    /// Returns the reasons for which requests were skipped, one for each.
    pub(crate) fn skipped(&self) -> impl Iterator<Item = &str> {
        self.requests.iter().filter_map(|request| match &request.outcome {
            Outcome::Skipped(reason) => Some(reason.as_str()),
            _ => None,
        })
    }
}

/// Where cases are, and what their answers are held to.
#[derive(Debug)]
pub(crate) struct Corpus<'p> {
    /// The folder that is walked.
    pub folder: &'p Path,
    /// The folder that paths in cases start from; without one, `folder`, or else the case's own folder or one above.
    pub root: Option<&'p Path>,
    /// Whether `cedar_policy::Authorizer` is asked too.
    pub oracle: bool,
}

impl Corpus<'_> {
    /// Compares every request of every case below the folder.
    pub(crate) fn compare(&self) -> Comparison {
        let entries = walkdir::WalkDir::new(self.folder).sort_by_file_name().into_iter();
        let files: Vec<Result<PathBuf, String>> = entries
            .map(|entry| entry.map(walkdir::DirEntry::into_path).map_err(|error| error.to_string()))
            .filter(|path| path.as_ref().map_or(true, |path| path.extension().is_some_and(|kind| kind == "json")))
            .collect();
        let compared: Vec<Result<Option<Vec<Compared>>, String>> =
            files.into_par_iter().map(|file| self.file(&file?)).collect();
        let mut comparison = Comparison::default();
        for case in compared {
            match case {
                Ok(None) => {}
                Ok(Some(requests)) => {
                    comparison.cases += 1;
                    comparison.requests.extend(requests);
                }
                Err(reason) => comparison.unreadable.push(reason),
            }
        }
        comparison
    }

    /// Compares the requests of a file; `None` if it holds no case, but entities or a schema.
    fn file(&self, file: &Path) -> Result<Option<Vec<Compared>>, String> {
        let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
        let json: serde_json::Value = serde_json::from_str(&read(file)?).map_err(|error| failed(&error))?;
        if json.get("policies").is_none() || json.get("requests").or(json.get("queries")).is_none() {
            return Ok(None);
        }
        let case: Case = serde_json::from_value(json).map_err(|error| failed(&error))?;
        let text = |path: &str| read(&self.find(file, path).ok_or_else(|| failed(&format!("there is no `{path}`")))?);
        let (policies, entities, schema) = (text(&case.policies)?, text(&case.entities)?, text(&case.schema)?);
        let in_json = |path: &str| path.ends_with(".json");
        let policies = if in_json(&case.policies) { from_json(&policies) } else { Ok(policies) };
        let judge = policies.and_then(|policies| Judge::new(&policies, &entities, &schema, in_json(&case.schema)));
        let requests = case.requests.into_iter().enumerate().map(|(number, asked)| {
            let outcome = match &judge {
                Ok(judge) => judge.compare(&asked, self.oracle).unwrap_or_else(Outcome::Skipped),
                Err(reason) => Outcome::Skipped(reason.clone()),
            };
            Compared { file: file.to_owned(), number, description: asked.description, outcome }
        });
        Ok(Some(requests.collect()))
    }

    fn find(&self, file: &Path, path: &str) -> Option<PathBuf> {
        let roots: Vec<&Path> = match self.root {
            Some(root) => vec![root],
            None => std::iter::once(self.folder).chain(file.ancestors().skip(1)).collect(),
        };
        roots.into_iter().map(|root| root.join(path)).find(|path| path.is_file())
    }
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Returns policies in JSON as text, in the order of their numbers.
fn from_json(policies: &str) -> Result<String, String> {
    let set = PolicySet::from_json_str(policies).map_err(|_| "the policies do not parse")?;
    let numbered = (0..set.policies().count()).map(|at| set.policy(&PolicyId::new(format!("policy{at}")))?.to_cedar());
    let texts: Option<Vec<String>> = numbered.collect();
    Ok(texts.ok_or("the policies are not numbered from `policy0`, or are linked to templates")?.join("\n"))
}

/// Everything of a case but its requests.
struct Judge {
    schema: Schema,
    policies: PolicySet,
    entities: Entities,
    authorizer: Authorizer,
}

impl Judge {
    /// Reads a case; why its requests cannot be compared, if they cannot.
    fn new(policies: &str, entities: &str, schema: &str, schema_in_json: bool) -> Result<Self, String> {
        let schema = if schema_in_json {
            Schema::from_json_str(schema).ok()
        } else {
            Schema::from_cedarschema_str(schema).ok().map(|(schema, _)| schema)
        };
        let schema = schema.ok_or("the schema does not parse")?;
        let source = Source::new("policies", policies).map_err(|_| "the policies are too large")?;
        let authorizer = Authorizer::new(schema.clone(), &source).map_err(|errors| {
            let invalid = errors.iter().any(|error| error.code == Code::PolicyInvalid);
            if invalid { "the policies do not validate strictly" } else { "the policies do not parse" }
        })?;
        let policies = policies.parse().map_err(|_| "the policies do not parse")?;
        let entities =
            Entities::from_json_str(entities, Some(&schema)).map_err(|_| "the entities are outside the schema")?;
        Ok(Self { schema, policies, entities, authorizer })
    }

    /// Compares one answer with the one that is expected; why that cannot be done, if it cannot.
    fn compare(&self, asked: &Asked, oracle: bool) -> Result<Outcome, String> {
        let request = self.request(asked)?;
        let response = self.authorizer.is_authorized(&request, &self.entities)?;
        let mut differences = Answer::expected(asked).differences(&response, "expected");
        if oracle {
            differences.extend(
                Answer::of_cedar(&request, &self.policies, &self.entities).differences(&response, "Cedar says"),
            );
        }
        if !response.undecided.is_empty() {
            differences.push(format!("{:?} are undecided", response.undecided));
        }
        Ok(if differences.is_empty() { Outcome::Agrees } else { Outcome::Differs(differences) })
    }

    fn request(&self, asked: &Asked) -> Result<Request, String> {
        let uid = |json: &serde_json::Value| match json {
            serde_json::Value::Null => Err("the request lacks a principal, an action or a resource"),
            serde_json::Value::String(text) => text.parse().map_err(|_| "the request names no entity"),
            json => EntityUid::from_json(json.clone()).map_err(|_| "the request names no entity"),
        };
        let (principal, action, resource) = (uid(&asked.principal)?, uid(&asked.action)?, uid(&asked.resource)?);
        let context = if asked.context.is_null() { serde_json::json!({}) } else { asked.context.clone() };
        let invalid = "the request is not valid for the schema";
        let context = Context::from_json_value(context, Some((&self.schema, &action))).map_err(|_| invalid)?;
        Ok(Request::new(principal, action, resource, context, Some(&self.schema)).map_err(|_| invalid)?)
    }
}

/// An answer in names, to be compared.
struct Answer {
    decision: String,
    reasons: BTreeSet<String>,
    errors: BTreeSet<String>,
}

impl Answer {
    fn expected(asked: &Asked) -> Self {
        // The oldest cases tell errors by their messages, which name the policy first.
        let id = |text: &String| text.split('`').nth(1).unwrap_or(text).to_owned();
        Self {
            decision: asked.decision.to_lowercase(),
            reasons: asked.reason.iter().cloned().collect(),
            errors: asked.errors.iter().map(id).collect(),
        }
    }

    fn of_cedar(request: &Request, policies: &PolicySet, entities: &Entities) -> Self {
        let response = cedar_policy::Authorizer::new().is_authorized(request, policies, entities);
        let errors = response.diagnostics().errors().map(|error| match error {
            cedar_policy::AuthorizationError::PolicyEvaluationError(error) => error.policy_id().to_string(),
        });
        Self {
            decision: format!("{:?}", response.decision()).to_lowercase(),
            reasons: response.diagnostics().reason().map(ToString::to_string).collect(),
            errors: errors.collect(),
        }
    }

    /// Tells how Deodar's answer differs from this one.
    fn differences(&self, response: &Response, whose: &str) -> Vec<String> {
        let names = |set: &BTreeSet<_>| set.iter().map(ToString::to_string).collect::<BTreeSet<String>>();
        let decision = format!("{:?}", response.decision).to_lowercase();
        let mut differences = Vec::new();
        if decision != self.decision {
            differences.push(format!("decision {decision}, {whose} {}", self.decision));
        }
        for (what, ours, theirs) in
            [("reasons", names(&response.reasons), &self.reasons), ("errors", names(&response.errors), &self.errors)]
        {
            if ours != *theirs {
                differences.push(format!("{what} {ours:?}, {whose} {theirs:?}"));
            }
        }
        differences
    }
}
