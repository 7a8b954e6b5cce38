//! The keys of the file.

/// The keys at the top of the file, in the order of the documentation.
pub const KEYS: [&str; 16] = [
    "pack",
    "schema",
    "policies",
    "waivers",
    "baseline",
    "only",
    "skip",
    "fail-on",
    "allow-unknown",
    "max-snapshot-age",
    "outputs",
    "store",
    "annotations",
    "frameworks",
    "parameters",
    "severity",
];

/// The keys of a severity that replaces the one of a policy.
pub(super) const IN_SEVERITY: [&str; 2] = ["severity", "reason"];
