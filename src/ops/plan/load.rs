//! Loads what a plan is decided from: the wanted commit, the live tenant, the last snapshot, the recycle bin and the id map.

use std::collections::BTreeMap;

use anyhow::{Result, bail};

use super::Aim;
use super::changes::{Against, rebase_onto_live, resolve_forked};
use crate::engine::adopt::{Ambiguous, Sides, adopt};
use crate::engine::normalize::normalize;
use crate::engine::render::safe;
use crate::engine::scope::Scope;
use crate::model::kind::Deletion;
use crate::model::words::agreeing;
use crate::model::{Address, IdMap, Kind, Object};
use crate::ops::Context;
use crate::ops::commit::selectors;
use crate::ops::commit::source::{Side, Trust, snapshots};
use crate::ops::journal::Journal;
use crate::ops::report::{diff, validate};
use crate::repo::ObjectId;
use crate::tenant::TenantRead;

/// Holds everything that a plan is decided from.
pub(super) struct Loaded {
    /// Commit that is wanted.
    pub commit: ObjectId,
    /// Wanted side: the commit as it stands, or its changes in the last snapshot or the live tenant.
    pub wanted: Side,
    /// Live side.
    pub live: Side,
    /// Last snapshot.
    pub base: Option<Side>,
    /// Commit of the last snapshot.
    pub base_commit: Option<ObjectId>,
    /// Kinds that were read.
    pub kinds: Vec<&'static Kind>,
    /// Objects in the recycle bin that are wanted.
    pub deleted: BTreeMap<Address, Object>,
    /// Map from old ids to present ids.
    pub ids: IdMap,
    /// Map from ids of wanted objects to those of objects that a person made anew by hand.
    pub adopted: IdMap,
}

impl Loaded {
    /// Reads the commit, and the tenant only if that is in order.
    ///
    /// # Errors
    /// [`crate::ops::Invalid`] if the commit's files are wrong, or if the tenant cannot be read at all.
    pub(super) async fn read<T: TenantRead>(context: &Context, tenant: &T, aim: &Aim) -> Result<Loaded> {
        let (wanted, commit) = wanted_commit(context, aim)?;
        let base_commit = context.last_snapshot()?;
        let base = base_commit.map(|base| Side::commit(context, &base.to_string())).transpose()?;
        let mut ids = base.as_ref().map(|base| base.manifest.ids.clone()).unwrap_or_default();
        // Objects that a cut-off run has created must not be created again.
        ids.extend(&Journal::pending_ids(context.repo.git_dir())?);
        ids.extend(&aim.learned);
        let mut wanted = match aim.since {
            Some(_) => wanted,
            None => resolve_forked::<T>(context, wanted, base.as_ref(), &ids).await?,
        };
        // An earlier state is wanted as it stands. It cannot prove the absence of objects that came into a filter since then.
        if let (None, Some(last)) = (&aim.since, base_commit) {
            wanted.looks_back = commit != last && context.repo.is_ancestor(commit, last)?;
        }
        let kinds = diff::kinds_of(context, Some(&wanted), &aim.scope);
        let trust = if aim.again { Trust::Lists } else { Trust::Prove };
        let live = Side::live(context, tenant, &kinds, &[&wanted], trust, &ids).await?;
        if !aim.again {
            let since = aim.since.as_ref().map(|since| Side::commit(context, since)).transpose()?;
            let sides: Vec<&Side> = [&wanted, &live].into_iter().chain(&since).collect();
            selectors::check(context, &aim.scope, &sides, &ids)?;
        }
        if let Some(since) = &aim.since {
            let against = Against { since, live: &live, ids: &ids, scope: &aim.scope, written: aim.again };
            wanted = rebase_onto_live(context, tenant, wanted, &against).await?;
        }
        wanted.want_defaults(&context.repo, &live, &ids)?;
        let deleted = recycle_bin(tenant, &kinds, &wanted, &live, &ids).await?;
        let mut adopted = match aim.adopt {
            true => self::adopted(context, &wanted, &live, &deleted, &ids, &aim.scope)?,
            false => IdMap::default(),
        };
        ids.extend(&adopted);
        // Adopted objects have their present ids already; only the receipt is to record them.
        adopted.extend(&aim.adopted);
        Ok(Loaded { commit, wanted, live, base, base_commit, kinds, deleted, ids, adopted })
    }
}

/// Returns the side of the wanted commit, if it can be planned.
fn wanted_commit(context: &Context, aim: &Aim) -> Result<(Side, ObjectId)> {
    let wanted = Side::commit(context, &aim.to)?;
    validate::require_valid(context, &wanted, &validate::Dangling::new())?;
    let Some(commit) = wanted.commit else { bail!("{} is no commit", aim.to) };
    if wanted.coverage().0.is_empty() {
        bail!(
            "{} says of no kind of object that it was read, so nothing follows from what it does not hold; run `entragit \
             export`, and name a commit that follows a snapshot",
            aim.to
        );
    }
    let (other, own) = (&wanted.manifest.tenant, &context.settings.tenant);
    if !other.is_empty() && !other.eq_ignore_ascii_case(own) {
        bail!(
            "{} is of tenant {other}, this repository is of tenant {own}; to carry the configuration of one tenant over to another, \
             give --map FILE",
            aim.to
        );
    }
    Ok((wanted, commit))
}

/// Returns the ids of the objects that are adopted.
fn adopted(
    context: &Context,
    wanted: &Side,
    live: &Side,
    deleted: &BTreeMap<Address, Object>,
    ids: &IdMap,
    scope: &Scope,
) -> Result<IdMap> {
    let (wanted, live) = snapshots(&context.repo, wanted, live, &|_| false)?;
    match adopt(&Sides { wanted: &wanted, live: &live, deleted, ids, scope }) {
        Ok(adopted) => {
            if !adopted.is_empty() {
                context.events.note(format!(
                    "{} adopted of what was made anew by hand",
                    agreeing(adopted.iter().count(), "id", "is", "are")
                ));
            }
            Ok(adopted)
        }
        Err(ambiguous) => {
            let line = |one: &Ambiguous| {
                let ids: Vec<&str> = one.candidates.iter().map(|address| address.id.as_str()).collect();
                format!("{} \"{}\" {}: {}", one.wanted.kind.name, safe(&one.name), one.wanted.id, ids.join(", "))
            };
            anyhow::bail!(
                "--adopt cannot tell which object stands for which; rename or delete those that do not, or leave the wanted \
                 one out with --exclude ID:\n  {}",
                ambiguous.iter().map(line).collect::<Vec<_>>().join("\n  ")
            )
        }
    }
}

/// Returns the relevant objects of the recycle bins: those that the commit wants and the tenant lacks.
async fn recycle_bin<T: TenantRead>(
    tenant: &T,
    kinds: &[&'static Kind],
    wanted: &Side,
    live: &Side,
    ids: &IdMap,
) -> Result<BTreeMap<Address, Object>> {
    let mut deleted = BTreeMap::new();
    for kind in kinds {
        let missing = wanted.index.keys().any(|address| {
            address.kind.name == kind.name && !live.index.contains_key(&Address::new(kind, ids.current(&address.id)))
        });
        // A kind that is not completely known is left alone.
        let known = wanted.coverage().kind(kind.name).is_complete() && live.coverage().kind(kind.name).is_complete();
        if !missing || !known || !matches!(kind.deletion, Deletion::Soft { .. }) {
            continue;
        }
        match tenant.deleted(kind).await {
            Ok(raws) => {
                for raw in raws {
                    let object = normalize(kind, raw).object;
                    deleted.insert(kind.address(object.id()), object);
                }
            }
            Err(error) => {
                // Planning without the recycle bin would create objects anew that could be restored, and lose their ids for
                // nothing.
                return Err(anyhow::Error::new(error).context(format!(
                    "reading the recycle bin of {}, without which it is not known what can be restored with its id",
                    kind.title
                )));
            }
        }
    }
    Ok(deleted)
}
