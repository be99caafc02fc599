//! Shows plans, keeps them in files, and reads those.

use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::super::exit;
use super::super::output::{Output, TextFormat};
use crate::engine::planfile;
use crate::engine::render;
use crate::model::Plan;
use crate::ops::plan::Planned;
use crate::repo::{MAX_PLAN, NamedBy, read_file};

/// Shows a plan, and keeps it in a file if that is wanted.
pub(super) fn show(planned: &Planned, format: TextFormat, out: Option<&Path>, output: &Output) -> Result<u8> {
    let document = planfile::write(&planned.plan, &planned.binding, &planned.verdicts, &planned.names);
    let (plan, verdicts, names) = (&planned.plan, &planned.verdicts, &planned.names);
    output.data(&match format {
        TextFormat::Json => document.clone(),
        TextFormat::Markdown => render::plan_markdown::plan(plan, verdicts, names),
        TextFormat::Text => render::plan::text(plan, verdicts, names, output.style),
    });
    if let Some(path) = out {
        if document.len() as u64 > MAX_PLAN {
            bail!(
                "the plan has {} bytes, more than the {MAX_PLAN} that `entragit apply` reads, and was not written; plan it in \
                 parts with --kind",
                document.len()
            );
        }
        std::fs::write(path, &document).with_context(|| format!("writing the plan to {}", path.display()))?;
        output.talk(&format!("plan written to {}; carry it out with `entragit apply {0}`", path.display()));
    }
    Ok(match planned.verdicts.iter().any(|verdict| verdict.refused) {
        true => exit::REFUSED,
        false => exit_of(plan),
    })
}

/// Returns the exit code for a plan: 4 if something differs that no step covers or that could not be read, 2 if anything
/// else differs.
pub(super) fn exit_of(plan: &Plan) -> u8 {
    match plan.is_as_it_should_be() {
        true => exit::DONE,
        false if plan.left.is_empty() && plan.unproven.is_empty() => exit::DIFFERS,
        false => exit::INCOMPLETE,
    }
}

/// Reads a plan file.
///
/// # Errors
/// If it cannot be read, or is too large.
pub(super) fn read_plan(path: &Path) -> Result<Vec<u8>> {
    read_file(path, NamedBy::Person, MAX_PLAN).with_context(|| format!("reading the plan {}", path.display()))
}
