//! The identity of a verdict: the check, and the resource that it judges.
//!
//! An identity depends neither on values nor on the text of a policy, so it is the same in every run. Every verdict has
//! one, whether it is explained or not.

use crate::engine::Subject;
use crate::schema::Model;
use crate::snapshot::Snapshot;
use crate::value::EntityRef;
use sha2::{Digest, Sha256};
use smol_str::SmolStr;

/// Bytes of a hash that a fingerprint contains.
const BYTES: usize = 16;

/// The subject of a verdict, by names that are the same in every run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// The id of the check.
    pub check: SmolStr,
    /// The type of the resource, without namespace.
    pub ty: SmolStr,
    /// The id of the resource; ends with `*` for all resources in a list that was not captured.
    pub id: SmolStr,
    /// The id of the account: that of the root entity.
    pub account: SmolStr,
}

impl Identity {
    /// Returns the identity of the verdict of a check on a resource of a snapshot.
    pub fn of(model: &Model, snapshot: &Snapshot, check: &SmolStr, subject: Subject) -> Self {
        Self {
            check: check.clone(),
            ty: model.short_name(subject.ty()).into(),
            id: id_of(model, snapshot, subject),
            account: snapshot.id(model, EntityRef { ty: model.root, row: 0 }),
        }
    }

    /// Returns the first 32 hexadecimal digits of the SHA-256 of the compact JSON array of check, type, id and account.
    pub fn fingerprint(&self) -> String {
        fingerprint_of(&[self.check.as_str(), self.ty.as_str(), self.id.as_str(), self.account.as_str()])
    }
}

/// Returns the first 32 hexadecimal digits of the SHA-256 of a compact JSON array.
pub(crate) fn fingerprint_of(parts: &[&str]) -> String {
    let hash = Sha256::digest(serde_json::json!(parts).to_string());
    let digits = hash.iter().take(BYTES).flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

/// Returns the id of a subject. That of a list that was not captured is `*` after the id of the instance around it.
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
    use super::Identity;

    #[test]
    fn every_part_of_an_identity_changes_the_fingerprint() {
        let identity = |parts: [&str; 4]| {
            let [check, ty, id, account] = parts.map(Into::into);
            Identity { check, ty, id, account }
        };
        let all = [
            ["C", "Member", "mia", "EAST"],
            ["D", "Member", "mia", "EAST"],
            ["C", "Team", "mia", "EAST"],
            ["C", "Member", "noa", "EAST"],
            ["C", "Member", "mia", "WEST"],
            ["C", "Member", "mia\",\"EAST", ""],
            ["C", "Member", "", "mia\",\"EAST"],
        ];
        let fingerprints = all.map(|parts| identity(parts).fingerprint());
        let different: std::collections::BTreeSet<_> = fingerprints.iter().collect();
        assert_eq!(different.len(), all.len());
        assert_eq!(fingerprints[0], "93fff9b597f29b08c76201ffee38d493");
    }
}
