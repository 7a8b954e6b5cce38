//! The catalogue: the shipped page equals the output of the command, every value on it is documented, and invalid packs
//! and outputs are errors.

use crate::support::{POLICIES, SCHEMA, command, deodar, folder, replaced, repository};
use deodar::catalogue::{Catalogue, doc};
use deodar::pack::{Pack, PackSources};
use deodar::project::EMBEDDED;
use deodar::source::Source;
use expect_test::{expect, expect_file};
use std::collections::BTreeSet;
use std::io::Read;
use std::process::Stdio;

/// Arguments that name the harbour pack.
const PACK: [&str; 5] = ["doc", "--policies", "policies", "--schema", "harbour.cedarschema"];

fn harbour<'t>(schema: &'t str, policies: &'t str) -> [(&'static str, &'t [u8]); 2] {
    [("harbour.cedarschema", schema.as_bytes()), ("policies/harbour.cedar", policies.as_bytes())]
}

#[test]
fn the_shipped_catalogue_is_what_the_command_writes() {
    let run: crate::support::Run = command(repository()).arg("doc").output().expect("the binary is built").into();
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    expect_file!["../../docs/moengage-catalogue.md"].assert_eq(&run.stdout);
}

#[test]
fn whatever_a_check_of_an_embedded_pack_reads_is_documented() {
    let mut wrong = BTreeSet::new();
    for pack in EMBEDDED {
        let source = |(name, text): (&str, &str)| Source::new(name, text).expect("it is small");
        let sources: Vec<_> = pack.policies.iter().copied().map(source).collect();
        let sources = PackSources { schema: &source(pack.schema), policies: &sources, waivers: &[] };
        let compiled = Pack::compile(sources).0.expect("the schema is sound");
        let (schema, policies) = (compiled.schema(), compiled.policies());
        let catalogue = Catalogue::new(&compiled);
        assert_eq!(catalogue.entries.len(), policies.checks.len());
        // What is told of one attribute must be understood without the others.
        let alone = |doc: Option<&str>| doc.is_some_and(|doc| !doc.is_empty() && !doc.contains("Same "));
        for entry in &catalogue.entries {
            for (ty, slots) in &entry.reads {
                if !alone(schema.model.ty(*ty).doc.as_deref()) {
                    wrong.insert(schema.model.ty(*ty).name.to_string());
                }
                let derived = entry.derived.iter().filter(|derived| derived.ty == *ty).map(|derived| derived.slot);
                for slot in slots.iter().copied().chain(derived) {
                    if !alone(doc(&schema.model, *ty, slot)) {
                        let name = schema.model.ty(*ty).slots[slot].dotted();
                        wrong.insert(format!("{}.{name}", schema.model.ty(*ty).name));
                    }
                }
            }
            for parameter in &entry.parameters {
                let parameter = &schema.model.parameters[*parameter];
                assert!(parameter.doc.is_some() && parameter.default.is_some(), "{}", parameter.name);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_page_says_which_lists_of_words_are_open() {
    let schema = replaced(SCHEMA, "entity Light", "@open entity Light");
    let run = deodar(&harbour(&schema, POLICIES), &PACK);
    let line = "* `light`, `/piers/*/boats/*/light` (an unlisted word is unknown)";
    assert!(run.stdout.contains(line), "{run:?}");
}

#[test]
fn a_page_tells_all_there_is_of_a_check() {
    let schema = replaced(SCHEMA, "entity Pier in", "@doc(\"Where boats lie. On *the* chart.\")\nentity Pier in");
    let policies = replaced(
        POLICIES,
        "@title(\"A pier is not crowded\")",
        "@title(\"A pier | is <not> crowded\")\n@doc(\"1. Boats *need* room.\")\n@cis_v8(\"4.1, 4.1\")",
    );
    let run = deodar(&harbour(&schema, &policies), &PACK);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let (_, section) = run.stdout.split_once("### HB-PIER-01").expect("it has a section");
    expect![[r#"
        : A pier \| is \<not> crowded

        **Severity:** medium. **Judges:** every pier.

        1\. Boats \*need\* room.

        **Applies** always.

        **Complies when** the number of boats is at most `max_boats` (default 2).

        **Derived values:**

        * `boats` of the pier is the number of boats for which the boat is in this pier.

        **Parameters:**

        * `max_boats` (`Long`, default 2)

        **Read from the snapshot:**

        * Pier, `/piers/*`: Where boats lie. On \*the\* chart.
        * Boat, `/piers/*/boats/*`

        **Controls:** `cis-v8` 4.1.

        **Policy:** `HB-PIER-01` in `policies/harbour.cedar`. **Derivations:** `boats` in `policies/harbour.cedar`.

        ## Parameters

        | parameter | type | default | meaning | read by |
        | --- | --- | --- | --- | --- |
        | `max_age` | `duration` | 14 days |  | [HB-AGE-01](#hb-age-01-the-snapshot-is-fresh) |
        | `max_boats` | `Long` | 2 |  | [HB-PIER-01](#hb-pier-01-a-pier--is-not-crowded) |

        ## Controls

        ### cis-v8

        | control | checks |
        | --- | --- |
        | 4.1 | [HB-PIER-01](#hb-pier-01-a-pier--is-not-crowded) |

        ### nist-800-53

        No check supports a control of it.

        ### iso-27001

        | control | checks |
        | --- | --- |
        | A.5.9 | [HB-OWN-01](#hb-own-01-the-owner-of-a-boat-is-active) |
        | A.5.18 | [HB-OWN-01](#hb-own-01-the-owner-of-a-boat-is-active) |

        ### soc2

        No check supports a control of it.
    "#]]
    .assert_eq(section);
    let (_, summary) = run.stdout.split_once("## Summary").expect("it has a summary");
    let (summary, section) = summary.split_once("## Checks").expect("checks follow");
    expect![[r#"


        | check | title | severity | judges |
        | --- | --- | --- | --- |
        | [HB-AGE-01](#hb-age-01-the-snapshot-is-fresh) | The snapshot is fresh | low | harbours |
        | [HB-LEN-01](#hb-len-01-a-lit-boat-is-no-longer-than-its-pier) | A lit boat is no longer than its pier | high | boats |
        | [HB-OWN-01](#hb-own-01-the-owner-of-a-boat-is-active) | The owner of a boat is active | critical | boats |
        | [HB-PIER-01](#hb-pier-01-a-pier--is-not-crowded) | A pier \| is \<not> crowded | medium | piers |

    "#]].assert_eq(summary);
    let section = section.split("### HB-LEN-01").nth(1).and_then(|rest| rest.split("###").next());
    expect![[r#"
        : A lit boat is no longer than its pier

        **Severity:** high. **Judges:** every boat.

        **Applies when** the light is not `white`.

        **Complies when** the length is at most the length of the pier.

        **Read from the snapshot:**

        * Boat, `/piers/*/boats/*`
          * `length`, `/piers/*/boats/*/length`
          * `light`, `/piers/*/boats/*/light`
        * Pier, `/piers/*`: Where boats lie. On \*the\* chart.
          * `length`, `/piers/*/length`

        **Remediation:** Move it to a longer pier.

        **Source:** <https://harbour.example/rules#length>

        **Policy:** `HB-LEN-01` in `policies/harbour.cedar`.

    "#]]
    .assert_eq(section.expect("it has a section"));
}

#[test]
fn what_cannot_be_read_has_no_page() {
    let broken = replaced(POLICIES, "resource.owner.active", "resource.owner.activ");
    for (schema, policies) in [(SCHEMA, broken.as_str()), (SCHEMA, "forbid ("), ("entity", POLICIES)] {
        let run = deodar(&harbour(schema, policies), &[&PACK[..], &["--output", "page.md"]].concat());
        assert_eq!((run.code, run.stdout.as_str()), (5, ""));
        assert!(run.stderr.contains('×'), "{}", run.stderr);
    }
    let run = deodar(&[], &["doc", "--schema", "none.cedarschema", "--policies", "none.cedar"]);
    assert_eq!((run.code, run.stdout.as_str()), (5, ""));
    assert!(run.stderr.contains("cannot read `none.cedarschema`"), "{}", run.stderr);
    let run = deodar(&harbour(SCHEMA, "// Nothing yet.\n"), &PACK);
    assert_eq!(run.code, 3);
    assert!(run.stdout.contains("The conditions of 0 checks of a harbour"), "{}", run.stdout);
}

#[test]
fn a_page_can_be_written_to_a_file() {
    let folder = folder(&harbour(SCHEMA, POLICIES));
    let run = |more: &[&str]| -> crate::support::Run {
        command(folder.path()).args(PACK).args(more).output().expect("the binary is built").into()
    };
    let (shown, written) = (run(&[]), run(&["--output", "page.md"]));
    assert_eq!(run(&["--output", "-"]).stdout, shown.stdout);
    assert!(!folder.path().join("-").exists());
    assert_eq!((shown.code, written.code), (0, 0));
    assert_eq!((written.stdout.as_str(), written.stderr.as_str()), ("", ""));
    let page = std::fs::read_to_string(folder.path().join("page.md")).expect("it was written");
    assert_eq!(page, shown.stdout);
    assert!(page.contains("`deodar doc --policies policies --schema harbour.cedarschema`"), "{page}");
    let refused = run(&["--output", "none/page.md"]);
    assert_eq!((refused.code, refused.stdout.as_str()), (5, ""));
    assert!(refused.stderr.starts_with("deodar: cannot write `none/page.md`: "), "{}", refused.stderr);
}

#[test]
fn a_page_does_not_replace_a_file_that_it_is_made_of() {
    let files = [harbour(SCHEMA, POLICIES).as_slice(), &[("deodar.toml", b"max_snapshot_age = \"7d\"\n")]].concat();
    let folder = folder(&files);
    for output in ["policies/harbour.cedar", "policies/../harbour.cedarschema", "deodar.toml"] {
        let path = folder.path().join(output);
        let before = std::fs::read(&path).expect("it is there");
        let run = command(folder.path()).args(PACK).args(["--output", output]).output();
        let run: crate::support::Run = run.expect("the binary is built").into();
        let message = format!("error: `{output}` is an input of the run: name another file with --output\n");
        assert_eq!((run.code, run.stdout.as_str(), run.stderr), (2, "", message));
        assert_eq!(std::fs::read(&path).expect("it is there"), before, "{output}");
    }
}

#[test]
fn a_closed_pipe_ends_it_quietly() {
    let mut child = command(repository())
        .arg("doc")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary is built");
    // The page is longer than a pipe is deep.
    drop(child.stdout.take());
    let mut stderr = String::new();
    child.stderr.take().expect("it is piped").read_to_string(&mut stderr).expect("Deodar writes UTF-8");
    let status = child.wait().expect("it ends");
    assert_eq!((status.code(), stderr.as_str()), (Some(141), ""));
}
