//! Whether a stream is coloured, by the environment.

use std::ffi::OsString;
use std::io::IsTerminal;

/// Returns whether a stream is coloured, unless an option states it.
pub(super) fn is_colored(stream: &impl IsTerminal) -> bool {
    decide(stream.is_terminal(), &of_environment)
}

/// Returns whether a terminal has no control sequences, for example to clear the screen.
pub(super) fn is_dumb() -> bool {
    dumb(&of_environment)
}

fn of_environment(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// Decides by the values of variables. Empty ones have no meaning.
fn decide(is_terminal: bool, value: &dyn Fn(&str) -> Option<OsString>) -> bool {
    let value = |name: &str| value(name).filter(|value| !value.is_empty());
    let is_off = |value: &OsString| value == "0" || value == "false";
    if value("NO_COLOR").is_some() {
        return false;
    }
    match (value("FORCE_COLOR"), value("CLICOLOR_FORCE")) {
        (Some(force), _) => !is_off(&force),
        (None, Some(force)) if !is_off(&force) => true,
        _ => is_terminal && !dumb(&value) && !value("CLICOLOR").is_some_and(|value| is_off(&value)),
    }
}

fn dumb(value: &dyn Fn(&str) -> Option<OsString>) -> bool {
    // Windows does not set the variable.
    value("TERM").map_or(cfg!(unix), |value| value == "dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_variable_that_decides_wins() {
        const TERM: (&str, &str) = ("TERM", "xterm");
        // The variables, and whether a terminal and a pipe are coloured.
        for (variables, terminal, pipe) in [
            (&[TERM][..], true, false),
            (&[("TERM", "dumb")], false, false),
            (&[("TERM", "dumb"), ("FORCE_COLOR", "1")], true, true),
            (&[TERM, ("NO_COLOR", "1")], false, false),
            (&[TERM, ("NO_COLOR", "")], true, false),
            (&[TERM, ("FORCE_COLOR", "1")], true, true),
            (&[TERM, ("FORCE_COLOR", "0")], false, false),
            (&[TERM, ("FORCE_COLOR", "false")], false, false),
            (&[TERM, ("FORCE_COLOR", "1"), ("NO_COLOR", "1")], false, false),
            (&[TERM, ("CLICOLOR_FORCE", "1")], true, true),
            (&[TERM, ("CLICOLOR_FORCE", "0")], true, false),
            (&[TERM, ("CLICOLOR_FORCE", "1"), ("FORCE_COLOR", "0")], false, false),
            (&[TERM, ("CLICOLOR", "0")], false, false),
            (&[TERM, ("CLICOLOR", "0"), ("CLICOLOR_FORCE", "1")], true, true),
        ] {
            let value = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
            assert_eq!((decide(true, &value), decide(false, &value)), (terminal, pipe), "{variables:?}");
        }
    }
}
