//! Differences and forecasts as text for people.

use super::diff::{Changed, Difference, Kind, Side};
use super::forecast::{AccountForecast, Forecast};
use super::words;
use crate::engine::Verdict;
use crate::render::{Style, describe_configuration, painted, plain, short};
use std::io::{self, Write};

/// Writes a difference. Without `all`, changes between verdicts that are neither failures nor unknown are only counted.
///
/// # Errors
/// When `out` cannot be written.
pub fn write_difference(difference: &Difference<'_>, all: bool, style: Style, out: &mut dyn Write) -> io::Result<()> {
    write_side("old", &difference.old, out)?;
    write_side("new", &difference.new, out)?;
    words::configurations(difference).iter().try_for_each(|line| writeln!(out, "{line}"))?;
    for kind in Kind::ALL {
        let changes: Vec<&Changed<'_>> = difference.changes.iter().filter(|change| change.kind == kind).collect();
        let shown: Vec<&&Changed<'_>> = changes.iter().filter(|change| all || is_important(change)).collect();
        if changes.is_empty() {
            continue;
        }
        writeln!(out, "\n{}", painted(&format!("{} ({})", kind.title(), changes.len()), "1", style))?;
        for change in &shown {
            let (check, severity) = (plain(&change.check), change.severity.name());
            let resource = words::resource(change, difference);
            let verdicts = words::verdicts(change.old, change.new);
            writeln!(out, "  {check}  {severity}  {}: {}", short(&resource), painted(&verdicts, color(change), style))?;
            change.causes.iter().try_for_each(|cause| writeln!(out, "      {}", short(&words::cause(cause))))?;
        }
        if shown.len() < changes.len() {
            writeln!(out, "  … and {} more; --all lists them", changes.len() - shown.len())?;
        }
    }
    if !difference.recounted.is_empty() {
        let title = format!("{} ({})", words::RECOUNTED, difference.recounted.len());
        writeln!(out, "\n{}", painted(&title, "1", style))?;
        difference.recounted.iter().try_for_each(|it| writeln!(out, "  {}", short(&words::recounted(it))))?;
    }
    writeln!(out)?;
    if !difference.complete {
        writeln!(out, "  {}", words::INCOMPLETE)?;
    }
    writeln!(out, "  {}", words::totals(difference))?;
    let code = difference.exit_code();
    let exit = painted(&format!("exit {code}"), if code == 0 { "32" } else { "31" }, style);
    writeln!(out, "  {exit}: {}", words::reason(difference))
}

/// Returns whether one of the verdicts of a change is a failure, unknown or waived.
fn is_important(change: &Changed<'_>) -> bool {
    [change.old, change.new].into_iter().flatten().any(|verdict| verdict <= Verdict::Waived)
}

fn color(change: &Changed<'_>) -> &'static str {
    match change.new {
        Some(Verdict::Fail) => "31",
        Some(Verdict::Unknown) => "33",
        _ => "0",
    }
}

fn write_side(name: &str, side: &Side<'_>, out: &mut dyn Write) -> io::Result<()> {
    let version = side.pack_version.as_ref().map_or_else(String::new, |version| format!(" {version}"));
    let text = format!("{} · {}{version} · as of {}", side.path, side.pack, side.now);
    writeln!(out, "{name}  {}", plain(&text))
}

/// Writes a forecast.
///
/// # Errors
/// When `out` cannot be written.
pub fn write_forecast(forecast: &Forecast<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let version = forecast.pack_version.as_ref().map_or_else(String::new, |version| format!(" {version}"));
    writeln!(
        out,
        "{}",
        plain(&format!("{}{version} · from {} until {}", forecast.pack, forecast.now, forecast.until))
    )?;
    let configuration = forecast.configuration.iter().flat_map(|it| describe_configuration(it, true));
    configuration.collect::<Vec<_>>().iter().try_for_each(|line| writeln!(out, "{line}"))?;
    forecast.accounts.iter().try_for_each(|account| write_account(account, style, out))?;
    let changes: usize = forecast.accounts.iter().map(|account| account.changes.len()).sum();
    let times: usize = forecast.accounts.iter().map(|account| account.times).sum();
    let s = |count: usize| if count == 1 { "" } else { "s" };
    let text = format!("{changes} change{}; judged again at {times} time{}", s(changes), s(times));
    writeln!(out, "\n  {text}, and between them no verdict changes")?;
    let code = forecast.exit_code();
    let reason = if code == 0 { "no verdict changes" } else { "verdicts change without any action" };
    let exit = painted(&format!("exit {code}"), if code == 0 { "32" } else { "33" }, style);
    writeln!(out, "  {exit}: {reason}")
}

fn write_account(account: &AccountForecast, style: Style, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "\n{}",
        plain(&match &*account.account {
            "" => account.snapshot.clone(),
            id => format!("{} · account {id}", account.snapshot),
        })
    )?;
    let mut last = None;
    for change in &account.changes {
        if last != Some(&change.at) {
            writeln!(out, "{}", painted(&change.at, "1", style))?;
            last = Some(&change.at);
        }
        let color = match change.new {
            Some(Verdict::Fail) => "31",
            Some(Verdict::Unknown) => "33",
            _ => "0",
        };
        let (check, severity) = (plain(&change.check), change.severity.name());
        let resource = format!("{} {}", change.resource_type, change.resource_id);
        let verdicts = painted(&words::verdicts(change.old, change.new), color, style);
        writeln!(out, "  {check}  {severity}  {}: {verdicts}", short(&resource))?;
    }
    Ok(())
}
