//! Handles approvals of plan files: who signed them, whether that is enough, and how long they hold.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::Ready;
use crate::engine::planfile::Binding;
use crate::ops::Context;
use crate::repo::sshsig::{self, Signer};
use crate::repo::{MAX_SETTINGS, MAX_SIGNATURE, NamedBy, read_file};

/// Namespace of signatures over a plan file; a signature made for anything else does not count.
pub const NAMESPACE: &str = "entragit-plan";

/// Reports that a plan was not approved by enough people, or not at all.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unapproved(pub String);

/// Refuses a plan file that has expired.
///
/// # Errors
/// [`crate::ops::Stale`].
pub fn check_time(binding: &Binding) -> Result<()> {
    let now = jiff::Timestamp::now();
    match binding.expires.parse::<jiff::Timestamp>() {
        Ok(expires) if now < expires => Ok(()),
        Ok(_) => Err(crate::ops::Stale { what: format!("it held until {}", binding.expires) }.into()),
        Err(_) => Err(crate::ops::Stale { what: "it does not say until when it holds".to_owned() }.into()),
    }
}

/// Signs a plan file, and returns the path of the signature.
///
/// # Errors
/// If the file is no plan of this repository, `ssh-keygen` refuses, or the file cannot be written.
pub fn sign(key: &Path, plan: &Path, bytes: &[u8], out: Option<&Path>) -> Result<PathBuf> {
    let signature = sshsig::sign(key, NAMESPACE, bytes).with_context(|| format!("signing {}", plan.display()))?;
    let out = match out {
        Some(out) => out.to_owned(),
        None => {
            let digest = crate::engine::digest::bytes(&signature);
            PathBuf::from(format!("{}.{}.sig", plan.display(), &digest[..8]))
        }
    };
    std::fs::write(&out, &signature).with_context(|| format!("writing the signature to {}", out.display()))?;
    Ok(out)
}

/// Returns the paths of the signatures beside a plan file: `PLAN.sig`, `PLAN.*.sig`.
///
/// # Errors
/// If the folder cannot be read.
pub fn beside(plan: &Path) -> Result<Vec<PathBuf>> {
    let folder = plan.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = plan.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("looking for signatures in {}", folder.display()))? {
        let entry = entry?;
        let file = entry.file_name().to_string_lossy().into_owned();
        if file.strip_prefix(&name).is_some_and(|rest| rest.starts_with('.') && rest.ends_with(".sig")) {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// Holds the options on approval that were given to `apply`.
#[derive(Debug, Default)]
pub struct Demand<'a> {
    /// Minimum number of approvals; the settings may ask for more.
    pub require: usize,
    /// Path of an allowed-signers file, used where the settings name nobody.
    pub signers: Option<&'a Path>,
    /// Paths of the signatures.
    pub signatures: Vec<PathBuf>,
}

/// Returns everybody who approved a plan; each person and each key counts once, and the plan's authors do not count.
///
/// # Errors
/// [`Unapproved`], if these are too few.
pub fn approvals(context: &Context, ready: &Ready, demand: &Demand<'_>) -> Result<Vec<Signer>> {
    let policy = &context.settings.approval;
    let require = policy.require.max(demand.require);
    if require == 0 {
        return Ok(Vec::new());
    }
    if !ready.is_saved() {
        let way =
            "`entragit plan … --out plan.json`, `entragit sign plan.json` by each of them, `entragit apply plan.json`";
        return Err(
            Unapproved(format!("a plan needs the approval of {require} before it is carried out: {way}")).into()
        );
    }
    let allowed = match (policy.signers.is_empty(), demand.signers) {
        (false, _) => policy.signers.join("\n") + "\n",
        (true, Some(path)) => {
            let bytes = read_file(path, NamedBy::Person, MAX_SETTINGS)
                .with_context(|| format!("reading who may approve, {}", path.display()))?;
            String::from_utf8(bytes).with_context(|| format!("{} is not UTF-8; save it as UTF-8", path.display()))?
        }
        (true, None) => {
            let why = "it is not said who may approve: `approval.signers` in entragit.yaml, or --allowed-signers FILE";
            return Err(Unapproved(why.to_owned()).into());
        }
    };
    let authors = authors(context, &ready.binding)?;
    let (mut people, mut keys) = (BTreeSet::new(), BTreeSet::new());
    let mut approved = Vec::new();
    let mut why = Vec::new();
    for path in &demand.signatures {
        let signature = read_file(path, NamedBy::Person, MAX_SIGNATURE)
            .with_context(|| format!("reading the signature {}", path.display()))?;
        let shown = path.display();
        match sshsig::verify(allowed.as_bytes(), NAMESPACE, &signature, ready.bytes()) {
            Ok(signer) if authors.contains(&signer.principal.to_lowercase()) => {
                why.push(format!("{shown}: {} made what is to be approved", signer.principal));
            }
            Ok(signer) => {
                let new = people.insert(signer.principal.to_lowercase()) & keys.insert(signer.key.clone());
                match new {
                    true => approved.push(signer),
                    false => why.push(format!("{shown}: {} has approved already", signer.principal)),
                }
            }
            Err(error) => why.push(format!("{shown}: {error}")),
        }
    }
    if approved.len() >= require {
        return Ok(approved);
    }
    let why = if why.is_empty() { "no signature counts".to_owned() } else { why.join("; ") };
    let said = format!("{} of {require} approvals; {why}; `entragit sign PLAN` approves", approved.len());
    Err(Unapproved(said).into())
}

/// Returns the people whose approval of a plan does not count: its maker, and the authors of the commits that it brings about. The
/// base that a plan file names is not asked: whoever wrote the file chose it.
fn authors(context: &Context, binding: &Binding) -> Result<BTreeSet<String>> {
    let mut authors = BTreeSet::from([binding.author.to_lowercase()]);
    let wanted = context.repo.resolve(&binding.commit)?;
    let tip = context.newest_snapshots()?.map(|(_, tip)| tip);
    let written = match tip {
        Some(tip) => context.repo.range(tip, wanted)?,
        None => context.repo.history(wanted, usize::MAX)?,
    };
    authors.extend(written.iter().map(|commit| commit.author.email.to_lowercase()));
    // The authors of a snapshot changed the tenant, and wrote none of the wanted changes. That a message calls its commit a
    // snapshot is not enough: people write messages too.
    let commit = context.repo.commit(wanted)?;
    let is_snapshot = crate::ops::audit::is_snapshot(&commit)
        && match tip {
            Some(tip) => context.repo.line(tip, usize::MAX)?.iter().any(|snapshot| snapshot.id == wanted),
            None => false,
        };
    if !is_snapshot {
        authors.insert(commit.author.email.to_lowercase());
    }
    Ok(authors)
}
