//! `deodar capture PACK --template` and `--status`: the values to capture, screen by screen.

use super::output::{Output, cannot_write, to_stderr};
use super::pack::{self, PackArgs};
use deodar::capture::description::Description;
use deodar::capture::status::CaptureStatus;
use deodar::capture::template::{self, TemplateInstances};
use deodar::check::{Session, without_snapshots};
use deodar::diagnostic::{Code, Diagnostic, has_errors};
use deodar::project::{self, InputFormat, Loader};
use deodar::render::{Style, diagnostics};
use deodar::report::Needs;
use deodar::{Limits, Options};
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum StatusFormat {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
}

/// Writes a template. A file is not replaced: it may be one that was filled in.
pub(super) fn template(
    pack: &PackArgs,
    description: &Description,
    instances: &[TemplateInstances],
    output: &Path,
    style: Style,
) -> io::Result<ExitCode> {
    let (pack, report) = pack.read(style);
    let sound = report.is_valid();
    let Some(pack) = pack.filter(|_| sound) else { return Ok(ExitCode::from(5)) };
    let text = template::write(&pack, description, instances);
    if output == Path::new("-") {
        let mut out = Output::new();
        out.write_all(text.as_bytes())?;
        out.flush()?;
        return Ok(ExitCode::SUCCESS);
    }
    match project::new_file(output, &text) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let message = format!("`{}` exists, and may be a template that was filled in", output.display());
            let error = Diagnostic::error(Code::CaptureSource, message);
            Ok(refused(&[error.help("name another file with --output, or remove this one")], style))
        }
        Err(error) => Err(cannot_write(format_args!("`{}`", output.display()), &error)),
    }
}

/// The snapshot of `--status`, and how it is judged and shown.
pub(super) struct StatusRequest<'r> {
    pub snapshot: &'r Path,
    pub format: StatusFormat,
    pub now: i64,
}

/// Lists the values that a snapshot lacks.
pub(super) fn status(
    pack: &PackArgs,
    description: &Description,
    request: &StatusRequest<'_>,
    style: Style,
) -> io::Result<ExitCode> {
    let mut loader = Loader::default();
    let (settings, mistakes) = pack.effective(pack.flags(), &mut loader);
    if has_errors(&mistakes) {
        return Ok(refused(&mistakes, style));
    }
    let options = Options {
        parameters: settings.parameters.clone(),
        only: settings.only.value.clone(),
        skip: settings.skip.value.clone(),
        waivers: settings.waiver_use,
        configuration: settings.report().map(Arc::new),
        needs: Needs { not_applicable: false, ..Needs::ALL },
        ..Options::at(request.now)
    };
    let snapshots = [request.snapshot.to_owned()];
    let selection = pack::selection(&settings, &snapshots, InputFormat::ByName);
    let inputs = match loader.load(&selection, &Limits::default()) {
        Ok(inputs) => inputs,
        Err(errors) => return Ok(refused(&errors, style)),
    };
    let (compiled, _) = without_snapshots(&inputs, &options);
    let report = Session::default().run(&inputs, &options);
    to_stderr(|out| diagnostics::write(&report.diagnostics, &report.secrets, style, out));
    let is_judged = report.checks.iter().any(|check| check.total() > 0);
    let Some(compiled) = compiled.filter(|_| is_judged) else { return Ok(ExitCode::from(5)) };
    let status = CaptureStatus::of(&report, compiled.model(), description);
    let mut out = Output::new();
    match request.format {
        StatusFormat::Text => status.write_text(style.width, &mut out)?,
        StatusFormat::Json => status.write_json(&mut out)?,
    }
    out.flush()?;
    let is_sound = report.is_valid() && !has_errors(&report.diagnostics);
    Ok(ExitCode::from(if is_sound { 0 } else { 5 }))
}

fn refused(errors: &[Diagnostic], style: Style) -> ExitCode {
    to_stderr(|out| diagnostics::write(errors, &[], style, out));
    ExitCode::from(5)
}
