//! The packs that are part of the binary.

/// A pack that is part of the binary: file names and texts.
#[derive(Debug, Clone, Copy)]
pub struct EmbeddedPack {
    /// Its name.
    pub name: &'static str,
    /// The schema.
    pub schema: (&'static str, &'static str),
    /// The model of the schema, as JSON. A test holds it to the schema, and writes it.
    pub model: &'static str,
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
    model: include_str!("packs/moengage.json"),
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
    use crate::schema::Schema;
    use crate::source::Source;
    use expect_test::expect_file;

    /// A start reads the saved model in place of the schema. `UPDATE_EXPECT=1` writes it.
    #[test]
    fn saved_models_are_those_of_the_schemas() {
        let json = |source: &std::sync::Arc<Source>| Schema::parse(source).0.unwrap().model.to_json().unwrap();
        for EmbeddedPack { name, schema: (file, text), model, .. } in EMBEDDED {
            let written = json(&Source::new(*file, *text).unwrap());
            expect_file![format!("packs/{name}.json")].assert_eq(&written);
            let saved = Source::validated(file, text, Some(model)).unwrap();
            assert!(Schema::parse(&saved).0.unwrap().is_saved(), "{name}");
            assert_eq!(json(&saved), written);
        }
    }
}
