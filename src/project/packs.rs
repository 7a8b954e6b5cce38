//! The packs that are part of the binary.

/// A pack that is part of the binary: file names and texts.
#[derive(Debug, Clone, Copy)]
pub struct EmbeddedPack {
    /// Its name.
    pub name: &'static str,
    /// The schema.
    pub schema: (&'static str, &'static str),
    /// The policy files in order of their names.
    pub policies: &'static [(&'static str, &'static str)],
    /// The capture description.
    pub capture: (&'static str, &'static str),
}

macro_rules! file {
    ($path:literal) => {
        ($path, include_str!(concat!("../../", $path)))
    };
}

/// All of them. A test holds the list to what is in the folders.
pub const EMBEDDED: &[EmbeddedPack] = &[EmbeddedPack {
    name: "moengage",
    schema: file!("schemas/moengage.cedarschema"),
    policies: &[
        file!("policies/moengage/ai.cedar"),
        file!("policies/moengage/api.cedar"),
        file!("policies/moengage/approval.cedar"),
        file!("policies/moengage/authentication.cedar"),
        file!("policies/moengage/data.cedar"),
        file!("policies/moengage/derivations.cedar"),
        file!("policies/moengage/logging.cedar"),
        file!("policies/moengage/members.cedar"),
        file!("policies/moengage/network.cedar"),
        file!("policies/moengage/organisation.cedar"),
        file!("policies/moengage/provisioning.cedar"),
        file!("policies/moengage/roles.cedar"),
        file!("policies/moengage/session.cedar"),
        file!("policies/moengage/support.cedar"),
    ],
    capture: file!("policies/moengage/capture.toml"),
}];
