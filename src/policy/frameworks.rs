//! The frameworks of controls that checks may support.

/// A framework of controls that every project has.
#[derive(Debug, Clone, Copy)]
pub struct Framework {
    /// Its name in reports, on the command line and in `@controls`.
    pub name: &'static str,
    /// Its own annotation, which lists controls.
    pub annotation: &'static str,
}

/// All of them, in the order of reports. A project declares others in its configuration file.
pub const FRAMEWORKS: [Framework; 4] = [
    Framework { name: "cis-v8", annotation: "cis_v8" },
    Framework { name: "nist-800-53", annotation: "nist_800_53" },
    Framework { name: "iso-27001", annotation: "iso_27001" },
    Framework { name: "soc2", annotation: "soc2" },
];
