//! The packs that are part of the binary.

use crate::source::SavedPack;

/// A pack that is part of the binary: file names and texts.
#[derive(Debug, Clone, Copy)]
pub struct EmbeddedPack {
    /// Its name.
    pub name: &'static str,
    /// The schema.
    pub schema: (&'static str, &'static str),
    /// The compiled forms. A test holds them to the texts, and writes them.
    pub saved: SavedPack,
    /// The policy files in order of their names.
    pub policies: &'static [(&'static str, &'static str)],
    /// The capture description.
    pub capture: (&'static str, &'static str),
}

macro_rules! text {
    ($path:literal) => {
        ($path, include_str!(concat!("../../", $path)))
    };
}

/// All of them. A test holds the list to what is in the folders.
pub const EMBEDDED: &[EmbeddedPack] = &[EmbeddedPack {
    name: "moengage",
    schema: text!("schemas/moengage.cedarschema"),
    saved: SavedPack {
        model: include_bytes!("packs/moengage/model.postcard"),
        program: include_bytes!("packs/moengage/program.postcard"),
    },
    policies: &[
        text!("policies/moengage/ai.cedar"),
        text!("policies/moengage/api.cedar"),
        text!("policies/moengage/approval.cedar"),
        text!("policies/moengage/authentication.cedar"),
        text!("policies/moengage/data.cedar"),
        text!("policies/moengage/derivations.cedar"),
        text!("policies/moengage/logging.cedar"),
        text!("policies/moengage/members.cedar"),
        text!("policies/moengage/network.cedar"),
        text!("policies/moengage/organisation.cedar"),
        text!("policies/moengage/provisioning.cedar"),
        text!("policies/moengage/roles.cedar"),
        text!("policies/moengage/session.cedar"),
        text!("policies/moengage/support.cedar"),
    ],
    capture: text!("policies/moengage/capture.toml"),
}];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::{CheckFilter, Compiler, Pack, PackSources};
    use crate::source::Source;
    use std::sync::Arc;

    /// Compiles a pack without and with its saved forms. Without them, Cedar validates it.
    fn compiled(pack: &EmbeddedPack, saved: Option<SavedPack>, only: &[String]) -> (Pack, Vec<Arc<Source>>) {
        let source = |(file, text): (&str, &str)| match saved {
            Some(_) => Source::validated(file, text, saved).unwrap(),
            None => Source::new(file, text).unwrap(),
        };
        let (schema, policies) = (source(pack.schema), pack.policies.iter().map(|file| source(*file)));
        let policies: Vec<Arc<Source>> = policies.collect();
        let sources = PackSources { schema: &schema, policies: &policies, waivers: &[] };
        let (compiled, problems) =
            Compiler::default().compile(sources, &Arc::default(), CheckFilter { only, skip: &[] });
        assert!(problems.is_empty(), "{problems:?}");
        (compiled.unwrap(), policies)
    }

    /// A start reads the saved forms in place of the texts. `UPDATE_EXPECT=1` writes them.
    #[test]
    fn saved_packs_are_those_of_the_texts() {
        for pack in EMBEDDED {
            let (written, policies) = compiled(pack, None, &[]);
            let (model, program) = (written.model().save().unwrap(), written.save(&policies).unwrap());
            if std::env::var_os("UPDATE_EXPECT").is_some() {
                for (form, bytes) in [("model", model), ("program", program)] {
                    let path = format!("src/project/packs/{}/{form}.postcard", pack.name);
                    std::fs::write(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path), bytes).unwrap();
                }
                continue;
            }
            let same = (&model[..], &program[..]) == (pack.saved.model, pack.saved.program);
            assert!(
                same,
                "the texts of {} have other compiled forms now: run this test with UPDATE_EXPECT=1",
                pack.name
            );
            let (read, _) = compiled(pack, Some(pack.saved), &[]);
            assert!(read.schema().is_saved() && read.policies().is_saved());
            assert_eq!(read.save(&policies).unwrap(), program);
            // Expressions that are parsed later, and policies for the official evaluator, are those of the texts.
            let shown = |pack: &Pack| {
                let statements = pack.policies().all();
                let official =
                    statements.map(|one| (one.clone(), pack.policies().official(one).map(ToString::to_string)));
                format!("{:?}", official.map(|(one, policy)| (one.clauses.to_vec(), policy)).collect::<Vec<_>>())
            };
            assert_eq!(shown(&read), shown(&written));
            // Some checks of it are those that are compiled alone.
            for only in ["high", "*-0[1-3]"].map(|pattern| [pattern.to_owned()]) {
                let of = |saved| compiled(pack, saved, &only).0.save(&policies).unwrap();
                assert!(of(Some(pack.saved)) == of(None), "{only:?}");
            }
        }
    }
}
