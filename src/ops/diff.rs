//! `diff`: what differs between two sources, and who did it.

use anyhow::Result;

use super::source::{Side, Source, learn_names, snapshots};
use super::{Context, audit};
use crate::engine::diff;
use crate::engine::refs::Names;
use crate::engine::render::ids_of_report;
use crate::engine::scope::Scope;
use crate::model::{Kind, Report};
use crate::tenant::TenantRead;

/// A report and the names it needs.
pub struct Compared {
    /// What differs.
    pub report: Report,
    /// Names of what it mentions.
    pub names: Names,
}

/// Compares two sources. `tenant` is needed only if one of them is [`Source::Live`].
///
/// # Errors
/// If a source cannot be read, or files in it are wrong.
pub async fn diff<T: TenantRead>(
    context: &Context,
    tenant: Option<&T>,
    (before, after): (&Source, &Source),
    scope: &Scope,
) -> Result<Compared> {
    let mut sides: [Option<Side>; 2] = [None, None];
    for (slot, source) in sides.iter_mut().zip([before, after]) {
        *slot = match source {
            Source::Commit(revision) => Some(Side::commit(context, revision)?),
            Source::Worktree => Some(Side::worktree(context)?),
            Source::Live => None,
        };
    }
    let mut live_events = Vec::new();
    for at in [0, 1] {
        if sides[at].is_some() {
            continue;
        }
        let tenant = tenant.ok_or_else(|| anyhow::anyhow!("comparing with `live` needs a sign-in"))?;
        let other = sides[1 - at].as_ref();
        let kinds = kinds_of(context, other, scope);
        let live = Side::live(context, tenant, &kinds, other.as_slice()).await?;
        if let Some(commit) = other.and_then(|side| side.commit) {
            live_events = events_since(context, tenant, commit).await;
        }
        sides[at] = Some(live);
    }
    let [Some(a), Some(b)] = sides else { anyhow::bail!("a source is missing") };
    let (mut left, mut right) = snapshots(&context.repo, &a, &b, &|_| false)?;
    if *before == Source::Live || *after == Source::Live {
        // What the live side was not asked for is no difference.
        let (live, other) = if *before == Source::Live { (&left, &mut right) } else { (&right, &mut left) };
        let asked = live.coverage.clone();
        other.coverage.0.retain(|what, _| asked.0.contains_key(what));
    }
    left.objects.retain(|address, object| scope.takes(address, object.name()));
    right.objects.retain(|address, object| scope.takes(address, object.name()));
    let mut report = diff::snapshots(&left, &right);
    narrow(&mut report, scope);
    report.before = a.label.clone();
    report.after = b.label.clone();
    audit::join(context, &mut report, a.commit, b.commit, &live_events)?;
    let mut names = Names::default();
    learn_names(&context.repo, &[&b, &a], &ids_of_report(&report), &mut names)?;
    for change in &mut report.changes {
        if let Some(name) = names.of_about(&change.about) {
            change.name = name;
        }
    }
    Ok(Compared { report, names })
}

/// The kinds to read live: those in scope that the other side knows anything of.
pub fn kinds_of(context: &Context, other: Option<&Side>, scope: &Scope) -> Vec<&'static Kind> {
    let known = other.map(|side| side.coverage());
    context
        .kinds(&[])
        .into_iter()
        .filter(|kind| scope.takes_kind(kind))
        .filter(|kind| known.as_ref().is_none_or(|known| known.kind(kind.name) != crate::model::Coverage::Skipped))
        .collect()
}

async fn events_since<T: TenantRead>(
    context: &Context,
    tenant: &T,
    commit: crate::repo::ObjectId,
) -> Vec<crate::model::AuditEvent> {
    let Ok(info) = context.repo.commit(commit) else { return Vec::new() };
    let since = jiff::Timestamp::from_second(info.author.time.unwrap_or_default() - 600)
        .map(|time| time.to_string())
        .unwrap_or_default();
    match tenant.audit(Some(&since)).await {
        Ok(events) => events,
        Err(error) => {
            context.events.warn(format!("who made the changes is not known: {error}"));
            Vec::new()
        }
    }
}

fn narrow(report: &mut Report, scope: &Scope) {
    use crate::model::What;
    if scope.properties.is_empty() {
        return;
    }
    report.changes.retain_mut(|change| match &mut change.what {
        What::Modified(fields) => {
            fields.retain(|field| scope.takes_property(diff::top(field.path())));
            !fields.is_empty()
        }
        What::Added | What::Removed => false,
    });
}
