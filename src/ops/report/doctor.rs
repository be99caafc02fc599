//! Checks a set-up: the repository, its remote, and what the sign-in may do.

use std::collections::BTreeSet;

use crate::engine::doctor::{self, Access, Check, State};
use crate::engine::render::doctor::{Findings, named};
use crate::kinds;
use crate::model::words::counted;
use crate::ops::{Context, SETTINGS};

/// Holds what is known of a sign-in that succeeded.
pub struct SignedIn<'a> {
    /// Way that gave the token.
    pub way: &'a str,
    /// Tenant that the token is for; empty if the token is opaque.
    pub tenant: &'a str,
    /// Application or person.
    pub who: String,
    /// Permissions of the token; `None` if it is opaque.
    pub permissions: Option<BTreeSet<String>>,
    /// Number of seconds that this machine's clock is ahead, or why that is not known.
    pub clock: Result<i64, String>,
}

/// Checks the repository and its remote.
pub fn repository(context: &Context) -> Vec<Check> {
    let check = |name, state, finding: String, remedy: Option<&str>| Check {
        name,
        state,
        finding,
        remedy: remedy.map(str::to_owned),
    };
    let mut checks = vec![check("repository", State::Good, format!("of tenant {}", context.settings.tenant), None)];
    let author = context.repo.author();
    checks.push(match author.email.as_str() {
        "entragit@localhost" => check(
            "git identity",
            State::Attention,
            "nobody is configured, commits are Entragit's own".to_owned(),
            Some("`git config user.name NAME` and `git config user.email ADDRESS`"),
        ),
        _ => check("git identity", State::Good, format!("{} <{}>", author.name, author.email), None),
    });
    let branch = &context.settings.branches.snapshots;
    checks.push(match context.last_snapshot() {
        Ok(Some(commit)) => {
            check("snapshots", State::Good, format!("the last one on {branch} is {}", &commit.to_string()[..10]), None)
        }
        Ok(None) => check("snapshots", State::Attention, "there is none yet".to_owned(), Some("`entragit export`")),
        Err(error) => check("snapshots", State::Bad, format!("{error:#}"), None),
    });
    checks.push(check("guards", State::Good, format!("as {} says", context.guards_from), None));
    if context.settings.break_glass.is_empty() {
        let finding = format!("no emergency account is named in {SETTINGS}");
        let remedy = "add them under `breakGlass`: plans that would lock them out are refused then";
        checks.push(check("break-glass", State::Attention, finding, Some(remedy)));
    }
    checks.push(remote(context));
    checks
}

fn remote(context: &Context) -> Check {
    let name = "remote";
    let tracking = context.repo.tracking(&context.settings.branches.snapshots);
    let remote = tracking.ok().flatten().map(|tracking| tracking.remote);
    let url =
        remote.as_ref().and_then(|remote| context.repo.configured(&format!("remote.{remote}.url")).ok().flatten());
    let (Some(remote), Some(_)) = (remote, url) else {
        let finding = "there is none: snapshots are on this disk only".to_owned();
        return Check {
            name,
            state: State::Attention,
            finding,
            remedy: Some("`git remote add origin URL`".to_owned()),
        };
    };
    match context.repo.reach(&remote) {
        Ok(branches) => {
            let finding = format!("{remote} answers, with {}", counted(branches, "branch"));
            Check { name, state: State::Good, finding, remedy: None }
        }
        Err(why) => {
            let remedy = format!("`git ls-remote {remote}` must work without a question");
            Check { name, state: State::Bad, finding: format!("{remote}: {why}"), remedy: Some(remedy) }
        }
    }
}

/// Checks a sign-in, or reports why there is none.
pub fn sign_in(context: &Context, signed_in: Result<SignedIn<'_>, String>) -> Findings {
    let mut findings = Findings { checks: Vec::new(), access: Vec::new(), needless: BTreeSet::new() };
    let mut say = |name, state, finding: String, remedy: Option<String>| {
        findings.checks.push(Check { name, state, finding, remedy });
    };
    let signed_in = match signed_in {
        Ok(signed_in) => signed_in,
        Err(why) => {
            say("sign-in", State::Bad, why, Some("`entragit help export` lists the ways to sign in".to_owned()));
            return findings;
        }
    };
    say("sign-in", State::Good, format!("{}, with {}", signed_in.who, signed_in.way), None);
    let own = &context.settings.tenant;
    if !signed_in.tenant.is_empty() && !signed_in.tenant.eq_ignore_ascii_case(own) {
        let finding = format!("the token is for {}, the repository is of {own}", signed_in.tenant);
        say(
            "tenant",
            State::Bad,
            finding,
            Some(match own.contains('.') {
                true => format!("write the tenant's id into {SETTINGS}: `tenant: {}`", signed_in.tenant),
                false => "sign in to the repository's tenant: `--tenant`, AZURE_TENANT_ID".to_owned(),
            }),
        );
    }
    match signed_in.clock {
        Ok(seconds) => findings.checks.push(doctor::clock(seconds)),
        Err(why) => say("clock", State::Attention, format!("could not be compared: {why}"), None),
    }
    let Some(granted) = signed_in.permissions else {
        let finding = "the token is opaque, so its permissions are not known".to_owned();
        findings.checks.push(Check { name: "permissions", state: State::Attention, finding, remedy: None });
        return findings;
    };
    let kinds = context.kinds(&[]);
    findings.access = doctor::access(&kinds, &granted);
    findings.needless = doctor::needless(kinds::ALL, &granted);
    let permissions = permissions(&findings);
    findings.checks.extend(permissions);
    findings
}

/// Judges reading, writing, and what is too much, each with one remedy for everything that is missing.
fn permissions(findings: &Findings) -> Vec<Check> {
    let all: Vec<&Access> = findings.access.iter().filter(|access| !access.people_only).collect();
    let unreadable: Vec<&&Access> = all.iter().filter(|access| !access.lacks_to_read.is_empty()).collect();
    let unwritable: Vec<&&Access> = all.iter().filter(|access| !access.lacks_to_write.is_empty()).collect();
    let remedy = |lacking: &[&&Access], what: &str| {
        let names: Vec<&str> = lacking.iter().map(|access| access.kind.name).collect();
        let names = if lacking.len() == all.len() { String::new() } else { format!(" {}", names.join(" ")) };
        format!("`entragit kinds{names} --permissions {what} --format az`")
    };
    let mut checks = vec![match unreadable.as_slice() {
        [] => Check {
            name: "reading",
            state: State::Good,
            finding: format!("the permissions suffice to read all {} kinds in scope", all.len()),
            remedy: None,
        },
        some => {
            let lacks: BTreeSet<&str> = some.iter().flat_map(|access| access.lacks_to_read.iter().copied()).collect();
            let finding = format!("{} of {} kinds lack a permission: {}", some.len(), all.len(), named(lacks));
            Check { name: "reading", state: State::Bad, finding, remedy: Some(remedy(some, "read")) }
        }
    }];
    // An identity that only reads is what a nightly export should have.
    let finding = match unwritable.len() {
        0 => format!("the permissions suffice to write all {} kinds in scope", all.len()),
        none if none == all.len() => {
            "there are permissions to write no kind: right for export, not enough for `apply`".to_owned()
        }
        some => {
            let lacks: BTreeSet<&str> =
                unwritable.iter().flat_map(|access| access.lacks_to_write.iter().copied()).collect();
            format!("{some} of {} kinds lack a permission: {}", all.len(), named(lacks))
        }
    };
    let is_partial = !unwritable.is_empty() && unwritable.len() < all.len();
    let state = if is_partial { State::Attention } else { State::Good };
    let remedy = is_partial.then(|| remedy(&unwritable, "write"));
    checks.push(Check { name: "writing", state, finding, remedy });
    if !findings.needless.is_empty() {
        checks.push(Check {
            name: "too much",
            state: State::Attention,
            finding: format!("no kind needs {}", named(findings.needless.iter().map(String::as_str))),
            remedy: Some("take these permissions from the application".to_owned()),
        });
    }
    checks
}
