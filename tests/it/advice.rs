//! Advice in messages: misspelt properties, ignored ones, annotations, values, and conditions that may be absent.

use crate::support::{POLICIES, Run, SCHEMA, SOUND, deodar, edited, harbour, harbour_by, replaced, repository};
use serde_json::Value;
use std::collections::BTreeSet;

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The diagnostics of a run, one a line: code, message and help.
fn advice(run: &Run) -> Vec<String> {
    let report = run.json();
    let line = |found: &Value| {
        let help = found["help"].as_str().map(|help| format!(" ({help})")).unwrap_or_default();
        format!("{}: {}{help}", text(&found["code"]), text(&found["message"]))
    };
    report["diagnostics"].as_array().into_iter().flatten().map(line).collect()
}

fn on_snapshot(snapshot: &str) -> Vec<String> {
    advice(&harbour(snapshot, &["--format", "json"]))
}

/// The sound harbour, with another name for the property `active` of ada.
fn with_active_as(name: &str) -> String {
    edited("\"active\": true, \"site\"", &format!("{name:?}: true, \"site\""))
}

#[test]
fn only_a_misspelling_of_a_declared_property_is_warned_about() {
    for name in ["Active", "ACTIVE", "activ", "actvie", "active_"] {
        let found = on_snapshot(&with_active_as(name));
        let message = format!("unknown property `{name}`, and the object has no `active`");
        assert_eq!(found, [format!("snapshot-property: {message} (did you mean `active`?)")], "{name}");
    }
    for name in ["inactive", "activate", "activated", "is_active", "reactive"] {
        assert_eq!(on_snapshot(&with_active_as(name)), [""; 0], "{name}");
    }
    // The declared property is there, too.
    let with_both =
        |name: &str| edited("\"active\": true, \"site\"", &format!("\"active\": true, {name:?}: 1, \"site\""));
    let message = "snapshot-property: unknown property `activ`, which may be a misspelling of `active` \
                   (the object has `active` too: correct the name, or add it to `@ignore` in the schema)";
    assert_eq!(on_snapshot(&with_both("activ")), [message]);
    for name in ["inactive", "activated", "actives", "active_at"] {
        assert_eq!(on_snapshot(&with_both(name)), [""; 0], "{name}");
    }
}

#[test]
fn a_finding_shows_the_statement_that_a_value_was_not_captured() {
    let stated = edited("\"active\": true, \"site\"", "\"active\": true, \"uncaptured\": [\"active\"], \"site\"");
    let report = harbour(&stated, &["--format", "json"]).json();
    let findings = report["findings"].as_array().expect("it is a list");
    assert!(!findings.is_empty());
    for finding in findings {
        assert_eq!(finding["verdict"], "unknown");
        assert!(text(&finding["message"]).ends_with(" is stated as uncaptured"), "{finding}");
        let reads = finding["clauses"][0]["reads"].as_array().expect("it is a list");
        let read = reads.iter().find(|read| read["name"] == "active").expect("it is read");
        let start = read["span"]["start"]["offset"].as_u64().and_then(|at| usize::try_from(at).ok());
        let place = stated.get(start.expect("it has a place")..).unwrap_or_default();
        assert!(read["stated"] == true && place.starts_with("\"active\"], \"site\""), "{read}");
    }
    let shown = harbour(&stated, &["--style", "full"]).stdout;
    assert!(shown.contains("is stated as uncaptured"), "{shown}");
}

#[test]
fn a_property_in_its_place_is_not_called_a_misspelling_of_another() {
    let schema = replaced(SCHEMA, "  network?: ipaddr,", "  network?: ipaddr,\n  actives: Bool,");
    let policies = replaced(POLICIES, "unless { resource.owner.active };", "unless { resource.owner.actives };");
    let run = harbour_by(&schema, &policies, SOUND, &["--format", "json"]);
    let report = run.json();
    let findings = report["findings"].as_array().expect("it is a list");
    assert_eq!(findings.len(), 2);
    for finding in findings {
        let reads = finding["clauses"][0]["reads"].as_array().expect("it is a list");
        let read = reads.iter().find(|read| read["lacks"] == "actives").expect("it is read");
        assert_eq!(read["misspelt"], Value::Null, "{read}");
    }
}

#[test]
fn ignored_properties_are_not_proposed_counted_or_refused() {
    let ignoring = |names: &str| {
        let schema = replaced(SCHEMA, "@closed\n", &format!("@closed\n@ignore({names:?})\n"));
        replaced(&schema, "@path(\"/people/*\")", &format!("@ignore({names:?})\n@path(\"/people/*\")"))
    };
    let snapshot = replaced(
        &with_active_as("activ"),
        "\"buoys\": []",
        "\"buoys\": [{ \"number\": 1, \"lit\": true, \"activ\": 2 }]",
    );
    let run = |schema: &str| harbour_by(schema, POLICIES, &snapshot, &["--format", "json"]);
    let plain = run(SCHEMA);
    assert_eq!((advice(&plain).len(), plain.json()["summary"]["other_properties"].as_u64()), (2, Some(2)));
    for names in ["activ", " other, activ ,"] {
        let ignored = run(&ignoring(names));
        assert_eq!(advice(&ignored), [""; 0], "{names}");
        assert_eq!(ignored.json()["summary"]["other_properties"], 0, "{names}");
    }
}

#[test]
fn an_ignored_property_may_lie_in_a_record() {
    let schema = replaced(
        SCHEMA,
        "  network?: ipaddr,",
        "  network?: ipaddr,\n  @ignore(\"activ\")\n  login?: { active: Bool, since?: datetime },",
    );
    let snapshot = edited("\"active\": true, \"site\"", "\"active\": true, \"login\": { \"activ\": 1 }, \"site\"");
    let run = |schema: &str| harbour_by(schema, POLICIES, &snapshot, &["--format", "json"]);
    assert_eq!(advice(&run(&schema)), [""; 0]);
    assert_eq!(advice(&run(&schema.replace("@ignore(\"activ\")", ""))).len(), 1);
}

#[test]
fn annotations_that_contradict_each_other_are_refused() {
    let on_pier =
        |annotation: &str| replaced(SCHEMA, "@path(\"/piers/*\")", &format!("{annotation}\n@path(\"/piers/*\")"));
    let on_boats =
        |annotation: &str| replaced(SCHEMA, "  @derived\n  boats", &format!("  {annotation}\n  @derived\n  boats"));
    let on_light = |annotation: &str| replaced(SCHEMA, "entity Light", &format!("{annotation}\nentity Light"));
    let on_pier_of = |annotation: &str| replaced(SCHEMA, "  @enclosing\n", &format!("  {annotation}\n  @enclosing\n"));
    let on_flags = |annotation: &str| replaced(SCHEMA, "  flags: Set", &format!("  {annotation}\n  flags: Set"));
    let key = |key: &str| replaced(SCHEMA, "@key(\"id\")", key);
    let path = |path: &str| replaced(SCHEMA, "@path(\"/buoys/*\")", path);
    let table = [
        (
            on_pier("@ignore(\"length\")"),
            "schema-annotation: `@ignore` names `length`, which the schema declares (remove `length` from `@ignore`, or remove the attribute)",
        ),
        (
            on_pier("@ignore(\"boats\")"),
            "schema-annotation: `@ignore` names `boats`, which the schema declares (remove `boats` from `@ignore`, or remove the attribute)",
        ),
        (
            on_pier("@ignore(\"Flags\")"),
            "schema-annotation: `@ignore` names `Flags`, which differs from the declared `flags` only in case or separators (remove `Flags` from `@ignore`, or remove the attribute)",
        ),
        (
            on_pier("@open"),
            "schema-annotation: `@open` is not possible on an entity type that is not enumerated (remove `@open`)",
        ),
        (
            on_pier("@former(\"a: b\")"),
            "schema-annotation: `@former` is not possible on an entity type that is not enumerated (remove `@former`)",
        ),
        (
            on_light("@former(\"blue\")"),
            "schema-annotation: `@former` lacks a word or its migration (write a line for each word, such as @former(\"1.0: rename `a` to `b`\"))",
        ),
        (
            on_light("@former(\"red: write `green`\")"),
            "schema-annotation: `@former` names `red`, which is a word of the type or is named twice (name each former word once)",
        ),
        (
            on_pier("@ignore(\" , \")"),
            "schema-annotation: `@ignore` names no property (list properties, such as @ignore(\"avatar_url, gravatar_id\"))",
        ),
        (
            on_flags("@ignore(\"x\")"),
            "schema-annotation: `@ignore` is not possible on an attribute that is not a record (remove `@ignore`)",
        ),
        (
            on_boats("@path(\"ships\")"),
            "schema-annotation: `@path` is not possible on an attribute with `@derived` (remove `@path`)",
        ),
        (
            on_boats("@unknown(\"x\")"),
            "schema-annotation: `@unknown` is not possible on an attribute with `@derived` (remove `@unknown`)",
        ),
        (
            on_pier_of("@path(\"x\")"),
            "schema-annotation: `@path` is not possible on an attribute with `@enclosing` (remove `@path`)",
        ),
        (
            on_pier_of("@derived"),
            "schema-annotation: `@enclosing` and `@derived` exclude each other (remove one of them)",
        ),
        (
            on_boats("@key(\"boats\")"),
            "schema-annotation: `@key` has no meaning here (`@key` belongs on an entity type)",
        ),
        (
            key("@key(\"boats\")"),
            "schema-annotation: the key `boats` is an attribute with `@derived`, which is not in the snapshot (name a property of the snapshot that identifies an instance)",
        ),
        (
            on_pier("@tags(\"x\")"),
            "schema-annotation: `Pier` has no tags (add `tags String` to the declaration, or remove `@tags`)",
        ),
        (
            replaced(SCHEMA, "@closed", "@closed(\"false\")"),
            "schema-annotation: `@closed` has a value (write `@closed`, or remove it if that is not meant)",
        ),
        (
            replaced(SCHEMA, "@secret", "@secret(\"no\")"),
            "schema-annotation: `@secret` has a value (write `@secret`, or remove it if that is not meant)",
        ),
        (
            path("@path(\"/buoys/**\")"),
            "schema-path: `**` is not a step of a path: `*` is a step of its own, and means one level",
        ),
        (
            path("@path(\"/buoys~2/*\")"),
            "schema-path: `buoys~2` has a `~` without `0` or `1`: write `~` as `~0` and `/` as `~1`",
        ),
        (path("@path(\"/buoys//*\")"), "schema-path: a path with an empty step: remove one `/`"),
        (
            replaced(SCHEMA, "  @path(\"site\")", "  @path(\"site*\")"),
            "schema-path: `site*` is not a step of a path: `*` is a step of its own, and means one level",
        ),
        (key("@key(\"a/*\")"), "schema-path: `*` is not possible in a path inside an entity: name a property"),
    ];
    for (schema, expected) in table {
        let run = harbour_by(&schema, POLICIES, SOUND, &["--format", "json"]);
        let found = advice(&run);
        assert_eq!((found.iter().filter(|line| *line == expected).count(), run.code), (1, 5), "{expected}\n{found:#?}");
    }
}

#[test]
fn values_in_another_notation_are_read_or_named() {
    let captured_at = |value: &str| edited("\"2026-08-31T06:00:00Z\"", value);
    let length = |value: &str| edited("\"length\": 40", &format!("\"length\": {value}"));
    let active = |value: &str| edited("\"active\": true, \"site\"", &format!("\"active\": {value}, \"site\""));
    let network = |value: &str| edited("\"192.0.2.0/28\"", value);
    let fee = |value: &str| edited("12.5", value);
    let wrong = [
        (
            captured_at("1788220800"),
            "snapshot-type: `captured_at` is a number, expected a date or time such as \"2026-09-01T06:00:00Z\" (this is a number of seconds since 1970: write \"2026-09-01T00:00:00Z\")",
        ),
        (
            captured_at("\"1788220800000\""),
            "snapshot-value: `captured_at` is not a valid datetime (this is a number of milliseconds since 1970: write \"2026-09-01T00:00:00Z\")",
        ),
        (
            captured_at("\"2026-08-31T06:00:00+13:60\""),
            "snapshot-value: `captured_at` is not a valid datetime (the offset `+13:60` has 60 minutes: minutes end at 59)",
        ),
        (length("1.5"), "snapshot-value: `length` is not a valid Long (expected a whole number)"),
        (length("\"40\""), "snapshot-type: `length` is a string, expected a whole number (write 40 without quotes)"),
        (active("\"yes\""), "snapshot-type: `active` is a string, expected true or false (write true without quotes)"),
        (
            active("\"Disabled\""),
            "snapshot-type: `active` is a string, expected true or false (write false without quotes)",
        ),
        (active("1"), "snapshot-type: `active` is a number, expected true or false (write true)"),
        (
            network("\"10.0.0.1,10.0.0.2\""),
            "snapshot-value: `network` is not a valid ipaddr (there are 2 addresses in one text: write each in a text of its own, in an attribute of type Set<ipaddr>)",
        ),
        (
            network("\"10.0.0.1:443\""),
            "snapshot-value: `network` is not a valid ipaddr (an address has no port: remove `:443`, and write 10.0.0.1)",
        ),
        (fee("\"12,5\""), "snapshot-value: `fee` is not a valid decimal (a decimal has a point: write 12.5)"),
        (
            fee("1e-5"),
            "snapshot-value: `fee` is not a valid decimal (a decimal has at most four digits after the point: round it)",
        ),
    ];
    for (snapshot, expected) in wrong {
        assert!(on_snapshot(&snapshot).contains(&expected.to_owned()), "{expected}\n{:#?}", on_snapshot(&snapshot));
    }
    for snapshot in [length("4e1"), length("4.0E+1"), length("400e-1"), fee("125e-1"), fee("1.25E1")] {
        let run = harbour(&snapshot, &["--format", "json"]);
        assert_eq!((advice(&run), run.code), (Vec::new(), 0), "{snapshot}");
    }
}

#[test]
fn the_help_does_not_repeat_a_secret() {
    let schema = replaced(SCHEMA, "  pin?: String,", "  pin?: ipaddr,");
    let snapshot = edited("\"7091\"", "\"203.0.113.77:4711\"");
    for format in ["json", "text"] {
        let run = harbour_by(&schema, POLICIES, &snapshot, &["--format", format]);
        assert!(!run.stdout.contains("4711") && !run.stdout.contains("203.0.113.77"), "{}", run.stdout);
    }
}

#[test]
fn a_read_of_what_may_be_absent_is_answered_with_what_fails_without_it() {
    let on_person = |clause: &str| {
        format!(
            "{POLICIES}\n@id(\"HB-P\")\n@title(\"t\")\n@severity(\"low\")\nforbid (principal, action == Action::\"audit\", resource is Person)\n{clause};\n"
        )
    };
    let derivation = |clause: &str| POLICIES.replace("when { principal in resource }", clause);
    let table = [
        (
            on_person("unless { resource.host == \"x\" }"),
            "`HB-P` reads `resource.host`, which may be absent (write `unless { resource has host && ... }`: absence then counts as a violation)",
        ),
        (
            on_person("when { resource.host == \"x\" }"),
            "`HB-P` reads `resource.host`, which may be absent (write `if resource has host then ... else true`: absence then counts as a violation; with `resource has host && ...` it does not)",
        ),
        (
            on_person("when { resource.host != \"x\" }"),
            "`HB-P` reads `resource.host`, which may be absent (write `if resource has host then ... else true`: absence then counts as a violation; with `resource has host && ...` it does not)",
        ),
        (
            on_person("unless { !(resource.host == \"x\") }"),
            "`HB-P` reads `resource.host`, which may be absent (write `if resource has host then ... else true` below the `!`: absence then counts as a violation)",
        ),
        (
            on_person("when { !(resource.host like \"*x\") }"),
            "`HB-P` reads `resource.host`, which may be absent (write `resource has host && ...` below the `!`: absence then counts as a violation)",
        ),
        (
            on_person("unless { !(resource has host) || resource.host == \"x\" }"),
            "`HB-P` reads `resource.host`, which may be absent (write `if resource has host then ... else true` in place of `!(resource has host) || ...`)",
        ),
        (
            on_person("unless { if resource.host == \"x\" then true else resource.active }"),
            "`HB-P` reads `resource.host`, which may be absent (write `if resource has host then ... else ...`, and after `else` what applies to a resource without it)",
        ),
        (
            derivation("when { principal in resource && principal.pin == \"x\" }"),
            "`boats` reads `principal.pin`, which may be absent (write `principal has pin && ...`, or `if principal has pin then ... else true` if the condition holds without it)",
        ),
    ];
    for (policies, expected) in table {
        let run = harbour_by(SCHEMA, &policies, SOUND, &["--format", "json"]);
        let expected = format!("policy-invalid: {expected}");
        assert!(advice(&run).contains(&expected), "{expected}\n{:#?}", advice(&run));
    }
}

#[test]
fn the_time_of_the_run_is_advised_only_where_it_was_not_given() {
    let far = edited("\"2026-08-31T06:00:00Z\"", "\"9999-01-01\"");
    let files = [
        ("harbour.cedarschema", SCHEMA.as_bytes()),
        ("harbour.cedar", POLICIES.as_bytes()),
        ("snapshot.json", far.as_bytes()),
    ];
    let pack = ["--schema", "harbour.cedarschema", "--policies", "harbour.cedar", "--format", "json"];
    let run = deodar(&files, &[&["check", "snapshot.json"][..], &pack].concat());
    assert!(advice(&run)[0].ends_with("or set the time of the run with --now)"), "{:?}", advice(&run));
    let late = edited("\"2026-08-31T06:00:00Z\"", "\"2026-10-01T06:00:00Z\"");
    let found = on_snapshot(&late);
    assert_eq!(
        found,
        [
            "capture-time: `snapshot.json` was captured at 2026-10-01T06:00:00Z, which is after 2026-09-01T12:00:00Z (correct `captured_at`, or evaluate as of a later time)"
        ]
    );
}

/// Properties that occur in the same objects of well-known interfaces.
const SIBLINGS: &[&str] = &[
    // A repository of GitHub.
    "allow_auto_merge allow_forking allow_merge_commit allow_rebase_merge allow_squash_merge archive_url archived \
     assignees_url blobs_url branches_url clone_url collaborators_url comments_url commits_url compare_url contents_url \
     contributors_url created_at default_branch delete_branch_on_merge deployments_url description disabled \
     downloads_url events_url fork forks_count forks_url full_name git_commits_url git_refs_url git_tags_url git_url \
     has_discussions has_downloads has_issues has_pages has_projects has_wiki homepage hooks_url html_url id is_template \
     issue_comment_url issue_events_url issues_url keys_url labels_url language languages_url license merges_url \
     milestones_url mirror_url name network_count node_id notifications_url open_issues_count owner permissions private \
     pulls_url pushed_at releases_url size ssh_url stargazers_count stargazers_url statuses_url subscribers_count \
     subscribers_url subscription_url svn_url tags_url teams_url topics trees_url updated_at url visibility watchers_count",
    // A user of GitHub.
    "avatar_url bio blog company events_url followers followers_url following following_url gists_url gravatar_id html_url \
     location login organizations_url public_gists public_repos received_events_url repos_url site_admin starred_url \
     subscriptions_url twitter_username type",
    // A user, and a password policy of Okta.
    "activated created credentials lastLogin lastUpdated passwordChanged profile realmId status statusChanged \
     transitioningToStatus type",
    "ageMinutes autoUnlockMinutes dictionary excludeAttributes excludeUsername expireWarnDays historyCount maxAgeDays \
     maxAttempts minAgeMinutes minLength minLowerCase minNumber minSymbol minUpperCase showLockoutFailures",
    // The conditions of an access policy, and a user of Entra.
    "applicationEnforcedRestrictions clientAppTypes excludeApplications excludeGroups excludeGuestsOrExternalUsers \
     excludeLocations excludePlatforms excludeRoles excludeUsers includeApplications includeGroups \
     includeGuestsOrExternalUsers includeLocations includePlatforms includeRoles includeUsers signInRiskLevels \
     userRiskLevels",
    "accountEnabled ageGroup city companyName country createdDateTime creationType deletedDateTime department displayName \
     employeeHireDate employeeId employeeLeaveDateTime employeeType faxNumber givenName hireDate interests jobTitle \
     lastPasswordChangeDateTime mail mailNickname mobilePhone officeLocation onPremisesSyncEnabled postalCode \
     preferredLanguage preferredName responsibilities signInActivity state streetAddress surname usageLocation userType",
    // A password policy, a bucket, a security group and a user of AWS.
    "AllowUsersToChangePassword ExpirePasswords HardExpiry MaxPasswordAge MinimumPasswordLength PasswordReusePrevention \
     RequireLowercaseCharacters RequireNumbers RequireSymbols RequireUppercaseCharacters",
    "BlockPublicAcls BlockPublicPolicy IgnorePublicAcls RestrictPublicBuckets",
    "CidrIp CidrIpv6 Description FromPort GroupId GroupName IpPermissions IpPermissionsEgress IpProtocol IpRanges \
     Ipv6Ranges OwnerId PrefixListIds ToPort UserIdGroupPairs VpcId",
    "Arn CreateDate PasswordLastUsed Path PermissionsBoundary Tags UserId UserName",
    // A user of Google Workspace.
    "addresses agreedToTerms aliases archived changePasswordAtNextLogin creationTime customSchemas customerId deletionTime \
     emails etag externalIds gender hashFunction ims includeInGlobalAddressList ipWhitelisted isAdmin isDelegatedAdmin \
     isEnforcedIn2Sv isEnrolledIn2Sv isMailboxSetup keywords kind languages lastLoginTime locations name \
     nonEditableAliases notes orgUnitPath organizations phones posixAccounts primaryEmail recoveryEmail recoveryPhone \
     relations sshPublicKeys suspended suspensionReason thumbnailPhotoEtag thumbnailPhotoUrl websites",
];

/// The names of the properties of every object of a document that is not a map of instances.
fn objects(value: &Value, found: &mut Vec<Vec<String>>) {
    match value {
        Value::Object(members) => {
            if !members.values().all(Value::is_object) {
                found.push(members.keys().cloned().collect());
            }
            members.values().for_each(|member| objects(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| objects(item, found)),
        _ => {}
    }
}

#[test]
fn properties_that_stand_side_by_side_are_not_misspellings_of_each_other() {
    let mut all: Vec<Vec<String>> =
        SIBLINGS.iter().map(|names| names.split_whitespace().map(str::to_owned).collect()).collect();
    for example in ["acme", "clean", "half-captured", "small", "own-pack"] {
        let file = repository().join("examples").join(example).join("snapshot.json");
        let text = std::fs::read_to_string(file).expect("it is there");
        objects(&serde_json::from_str(&text).expect("it is JSON"), &mut all);
    }
    let mut wrong = BTreeSet::new();
    for names in &all {
        for name in names {
            let others = names.iter().filter(|other| *other != name).map(String::as_str);
            if let Some(other) = deodar::source::misspelling(name, others) {
                wrong.insert(format!("{name} for {other}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
