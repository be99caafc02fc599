//! Lists the commands and the global flags; their comments are the help.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use super::completions::CompletionsArgs;
use super::decide::{AcceptArgs, RejectArgs};
#[cfg(feature = "emulator")]
use super::demo::DemoArgs;
use super::diff::DiffArgs;
use super::doctor::DoctorArgs;
use super::drift::DriftArgs;
#[cfg(feature = "emulator")]
use super::drill::DrillArgs;
#[cfg(feature = "emulator")]
use super::emulate::EmulateArgs;
use super::export::{ExportArgs, SyncArgs};
use super::history::{BlameArgs, LogArgs, ShowArgs};
use super::init::InitArgs;
use super::kinds::KindsArgs;
use super::output::Color;
use super::recover::{ApplyArgs, PlanArgs, RestoreArgs, SignArgs, UndoArgs};
use super::status::StatusArgs;
use super::validate::ValidateArgs;
use super::watch::WatchArgs;

/// Microsoft Entra as code, in git: export a tenant, compare any two moments, and bring it back.
#[derive(Debug, Parser)]
#[command(
    name = "entragit",
    version,
    about,
    after_help = "First steps:\n  entragit demo                      see the whole loop on an embedded tenant\n  \
                  entragit init --tenant ID          make a tenant repository here\n  entragit export                    \
                  commit a snapshot\n  entragit diff HEAD live            what changed since, and who did it\n  entragit \
                  log 'Remote workers'       the life of one object\n  entragit \
                  plan --to HEAD~1           what would bring it back\n\nExit codes: 0 done or nothing to do · 1 error · 2 \
                  differences or changes present · 3 refused by a guard · 4 incomplete · 5 the target moved · 6 another run \
                  holds the lock · 7 the repository is damaged"
)]
pub struct Cli {
    /// The tenant repository.
    #[arg(long, global = true, value_name = "DIR", default_value = ".", env = "ENTRAGIT_REPO")]
    pub repo: PathBuf,

    /// When to use colours.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,

    /// Say less.
    #[arg(long, short, global = true)]
    pub quiet: bool,

    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the whole loop on an embedded tenant: export, break, report, recover, verify
    ///
    /// Starts an embedded tenant in this process, exports it, lets an administrator break a Conditional Access policy and
    /// delete a group, exports again, reports what changed and who did it, plans back, applies, and verifies by reading
    /// again. Leaves the repository behind to look at with git.
    #[cfg(feature = "emulator")]
    Demo(DemoArgs),
    /// Make a tenant repository: settings and a first commit
    Init(InitArgs),
    /// Read the tenant and commit what differs
    ///
    /// Writes each directory object as YAML straight into the object database and commits to the branch `snapshots` if
    /// anything differs. The branch `main` follows as long as it holds no edit of its own. What cannot be read is carried
    /// over from the last snapshot and marked in manifest.yaml (exit code 4), never deleted. A kind that lost much without a
    /// word in the audit log is not believed: the snapshot is kept under `refs/entragit/suspect` (exit code 3) until it is
    /// accepted.
    Export(ExportArgs),
    /// Fetch, take a snapshot, and push: what a nightly pipeline runs
    ///
    /// Fetches the branches, the notes that say who did what, and the state of incremental exports; exports; and pushes all of it
    /// or nothing (where the host cannot do that, the snapshots first), with your own git and its credentials. Where another run
    /// pushed first, its snapshots are taken over and the export is made again on top of them. What an earlier run could not push
    /// goes out now. The first run may meet an empty remote. Where the remote's rules keep `main` for people, everything else is
    /// pushed and that is said. Exit codes are those of `export`.
    #[command(after_help = "Examples:\n  \
                  entragit sync --incremental             every night: only what Graph says changed\n  \
                  entragit sync                           everything")]
    Sync(SyncArgs),
    /// Keep looking at the tenant, and commit each change as its author's
    ///
    /// Asks the tenant what changed, every five minutes unless told otherwise, and commits it to the branch `snapshots`: one
    /// commit for each person or application whose change it was, as the audit log says, with them as the author. So `git log
    /// --author=ada` and `git blame` tell who did what. What several people changed at once, or nobody is named for, is
    /// committed by the tool itself, and says so. `actors` in entragit.yaml decides whether authors appear by name, by id,
    /// or not at all.
    ///
    /// The first round reads everything; later ones read what changed, and everything again now and then. Where a watch was
    /// is kept under `refs/entragit/state`: started anew, or from a clone that has this reference, it goes on from there.
    /// What fails is tried again, after longer and longer pauses. It ends with Ctrl-C or SIGTERM, at any time without harm.
    ///
    /// The repository is locked only during a round: an export or apply can run in between.
    Watch(WatchArgs),
    /// Show what differs between two sources, and who changed it
    ///
    /// A source is a commit (any name git knows), a moment (`@{yesterday}`, `@{2d}`: the last snapshot before it), `worktree`,
    /// or `live`. With one source, the other is `live`. Who did it comes from the tenant's audit log, which `export` keeps
    /// beside each snapshot; what deserves a second look is marked with `!`.
    #[command(
        after_help = "Examples:\n  entragit diff                              what changed since the last snapshot\n  entragit diff \
                  --since 2d HEAD              the last two days, without asking the tenant\n  entragit diff HEAD~1 HEAD \
                  --kind group          groups only\n  entragit diff HEAD~1 HEAD --format html > report.html\n  entragit diff \
                  report.json --format markdown  a saved report, shown otherwise"
    )]
    Diff(DiffArgs),
    /// Show the snapshots, or the whole life of one object: what changed, when, and who did it
    ///
    /// Without an object: the snapshots, newest first, with how many objects each added (+), modified (~) and removed (-), and who
    /// did something. With an object: everything that became of it, across renames, deletion, restoration, and re-creation
    /// under a new id. The tenant is not asked; who did it is what `export` kept of the audit log.
    #[command(
        after_help = "Examples:\n  entragit log --since 7d --risks         the last week, and what of it deserves a second look\n  \
                      entragit log --kind group               snapshots that changed groups\n  entragit log 'Remote workers'           \
                      the life of a group, by its name\n  entragit log ada@contoso.com --property accountEnabled\n  entragit log \
                      'group:Remote workers'     more exactly: kind:name"
    )]
    Log(LogArgs),
    /// Show who set each value of an object, and in which snapshot
    ///
    /// One line for each property and each element of a set: the snapshot that set it, who did, and the value. Follows the object
    /// across renames, deletion and re-creation. `no event`: the audit log of that time says nothing of it. `unknown`: the log
    /// could not be read. `first snapshot`: it is as old as the history.
    #[command(
        after_help = "Examples:\n  entragit blame 'CA001 Block legacy authentication'   who excluded whom from this policy?\n  \
                      entragit blame ada@contoso.com\n  entragit blame 'Remote workers' --rev @{7d}          as it was a week ago\n  \
                      entragit blame application:7b7d0f91-… --json         an application id has two objects: say which"
    )]
    Blame(BlameArgs),
    /// Show one object as a commit holds it
    ///
    /// Prints its file as it is. Without a commit, as the last snapshot holds it. An object is called by its id (an old one,
    /// too, if it was created again), its application id, its path, its name, its user principal name, or `kind:name`.
    #[command(
        after_help = "Examples:\n  entragit show 'Remote workers'\n  entragit show HEAD~1:1a2bd685-cf19-4df7-af45-b275e75721b2\n  \
                      entragit show '@{2d}:user:ada@contoso.com'          as it was two days ago\n  entragit show \
                      authorizationPolicy --json"
    )]
    Show(ShowArgs),
    /// Show how the tenant drifted from what is approved, and tell a webhook
    ///
    /// The live tenant against an approved baseline: the branch people work on, as the remote has it, or any commit or tag.
    /// Edits of it that are not applied yet are pending, not drift. What `drift.ignore` in entragit.yaml leaves to others is
    /// counted, not shown. Ends with 2 if there is drift, 0 if there is none, 4 if there is none in what could be read and not
    /// everything could.
    #[command(after_help = "Examples:\n  \
                  entragit drift                                 against the branch people work on\n  \
                  entragit drift --baseline approved-2026-11     against a tag\n  \
                  entragit drift --kind conditionalAccessPolicy  policies only\n  \
                  ENTRAGIT_NOTIFY_URL=https://hooks.slack.com/services/... entragit drift -q\n      \
                  for a nightly job: tells the channel if there is drift\n\n\
                  In entragit.yaml, to leave something to others:\n  \
                  drift:\n    ignore:\n      - kind: user\n        property: jobTitle\n        reason: owned by HR")]
    Drift(DriftArgs),
    /// Show how the repository stands: age of the last snapshot, gaps, pending edits, risks, credentials that end
    ///
    /// One screen, without asking the tenant anything unless --live is given. What needs attention is marked with `!`, and
    /// ends the command with 2: a snapshot older than `objective` in entragit.yaml, what could not be read, edits that are not
    /// applied, commits that the remote does not have, changes of high risk, credentials that end within 30 days; with
    /// --live drift, and deleted objects that can be restored for fewer than 7 days. Ends with 4 if --live could not learn
    /// everything, and with 0 otherwise.
    #[command(after_help = "Examples:\n  \
                  entragit status                         without signing in\n  \
                  entragit status --live                  drift and the recycle bins, too\n  \
                  entragit status --risks-days 30         changes of the last month\n  \
                  entragit status --json | jq .attention  what a job should tell someone")]
    Status(StatusArgs),
    /// Check the set-up: sign-in, permissions kind by kind, clock, git, remote; with what to do
    ///
    /// Signs in, and compares the permissions of the token with those that the kinds in scope need. What should be changed is
    /// marked with `!`, what does not work with `✗`, each with one way forward. Ends with 0 if all is well, with 2 if something
    /// deserves a look, and with 1 if something does not work.
    #[command(after_help = "Examples:\n  \
                  entragit doctor                         with what the environment signs in with\n  \
                  entragit doctor --auth azure-cli        with the account of the Azure CLI\n  \
                  entragit doctor --json | jq .kinds      what may be read and written")]
    Doctor(DoctorArgs),
    /// Check the files of the repository, without asking the tenant anything
    Validate(ValidateArgs),
    /// Show the writes that would take the tenant to a commit; nothing is written
    ///
    /// Reads the tenant, says who made what is taken back, what a recovery cannot bring back, and what the guards refuse. Ends with 2
    /// if there is anything to do, with 0 if the tenant is as the commit wants it, with 3 if a guard refuses the plan, and with 4 if
    /// something differs that no write can change.
    #[command(after_help = "Examples:\n  \
                  entragit plan                           what HEAD wants\n  \
                  entragit plan --to HEAD~1               as it was before the last commit\n  \
                  entragit plan --to @{yesterday} --name 'CA0*'   some policies as they were yesterday\n  \
                  entragit plan --changes --format markdown       for a pull request\n  \
                  entragit plan --to 1a2b3c4 --out plan.json      for `sign` and `apply`")]
    Plan(PlanArgs),
    /// Carry out a plan file, or plan to a commit and carry that out
    ///
    /// Deletes only what the last snapshot had, restores from the recycle bin before it creates, and reads the tenant again
    /// afterwards. What was done is recorded as a commit. A run that was cut off is taken up by running it again.
    #[command(after_help = "Examples:\n  \
                  entragit apply --to main                plan, ask, carry out, verify\n  \
                  entragit apply plan.json                a plan that was reviewed\n  \
                  entragit apply --to HEAD~1 --id 1a2bd685-cf19-4df7-af45-b275e75721b2   one object only\n  \
                  entragit apply --resume                 the run that was cut off")]
    Apply(ApplyArgs),
    /// Take changes of the tenant into the branch that people work on
    ///
    /// Where `main: hold` keeps that branch for people, what the tenant changes is drift until somebody decides. Takes the
    /// objects or properties that are selected as the last snapshot has them, and commits them to the branch, with who made
    /// the changes. Asks the tenant nothing; `git revert` takes it back.
    #[command(after_help = "Examples:\n  \
                  entragit accept --name CA210                     one policy\n  \
                  entragit accept --kind group --property members  memberships of all groups\n  \
                  entragit accept --by 'Ada*'                      what only she did\n  \
                  entragit accept --all")]
    Accept(AcceptArgs),
    /// Take changes of the tenant back to what the branch says that people work on
    ///
    /// Makes a commit of the last snapshot without the changes that are selected, and applies it: shows the plan with its
    /// risks, asks, carries it out, verifies, and leaves a receipt.
    #[command(after_help = "Examples:\n  \
                  entragit reject --name CA210            one policy\n  \
                  entragit reject --kind application --property passwordCredentials   secrets that somebody added")]
    Reject(RejectArgs),
    /// Approve a plan file with your SSH key
    ///
    /// Shows the plan as the guards see it here, asks, and signs the file's bytes with `ssh-keygen`, as git signs commits. Where
    /// `approval.require` in entragit.yaml, or `apply --require-approvals`, asks for it, a plan is carried out only with the
    /// signatures of enough people of `approval.signers`, none of whom made the plan or what it wants.
    #[command(after_help = "Examples:\n  \
                  entragit plan --changes --out plan.json\n  \
                  entragit sign plan.json --key ~/.ssh/id_ed25519\n  \
                  entragit apply plan.json\n\n\
                  Without Entragit:\n  \
                  ssh-keygen -Y verify -f allowed_signers -I ada@contoso.com -n entragit-plan -s plan.json.1a2b3c4d.sig < plan.json\n\n\
                  In entragit.yaml:\n  \
                  approval:\n    require: 2\n    planHours: 24\n    signers:\n      - ada@contoso.com ssh-ed25519 AAAA…")]
    Sign(SignArgs),
    /// Bring back single objects, or a property of them, as an earlier commit has them
    ///
    /// Finds the objects in the commit by what people call them, plans for them and nothing else, shows the plan with what it
    /// cannot bring back, asks, carries it out and verifies. What an object refers to and that is gone is not brought back with
    /// it unless it is named, too. It has a receipt as any apply, and can be undone.
    #[command(after_help = "Examples:\n  \
                  entragit restore 'Remote workers' --from yesterday\n  \
                  entragit restore 'group:Remote workers' --from HEAD~3 --property members\n  \
                  entragit restore conditional-access/policies/ca210-….yaml --from 78e170c223 --out plan.json")]
    Restore(RestoreArgs),
    /// Take back what an apply did
    ///
    /// Plans from what the receipt of an apply recorded back to what was found before it, shows the plan with what it cannot
    /// bring back, asks, and carries it out. What nobody but the apply touched is left alone, and so is what somebody else
    /// changed since: that is refused with who it was, and can be left out with --exclude. An undo has a receipt of its own, and
    /// can be undone.
    #[command(after_help = "Examples:\n  \
                  entragit undo                    the last apply\n  \
                  entragit undo --out plan.json    only look; carry it out later with `entragit apply plan.json`\n  \
                  entragit undo d25e081139         an earlier one, by its receipt")]
    Undo(UndoArgs),
    /// Practise a recovery: damage a snapshot in the embedded tenant, recover it, and report what came back
    ///
    /// Loads a commit of the repository (or a made-up company) into an embedded tenant, damages it, exports, plans back, applies,
    /// reads again, and holds every object against what it was. Ends with 0 if everything that can be restored is back, no
    /// reference leads nowhere and a second plan is empty, and with 4 otherwise. The live tenant is never touched: nothing is
    /// signed in to.
    #[command(after_help = "Scenarios:\n  \
                  policy-edited   every Conditional Access policy is switched off or blocks everybody\n  \
                  mass-deletion   groups, applications and policies are moved to the recycle bin\n  \
                  purge           the same, and the recycle bins are emptied\n  \
                  rogue-admin     roles, exclusions, redirect URIs and settings are changed for an intruder\n  \
                  everything      everything that can be deleted is deleted for good\n  \
                  random:N        edits, deletions and lost members; the same number gives the same damage\n\n\
                  Examples:\n  \
                  entragit drill                                        the last snapshot, everything lost\n  \
                  entragit drill HEAD~5 --scenario random:7             an earlier one, a little damage\n  \
                  entragit drill --format markdown > drill.md           for the auditor\n  \
                  entragit drill --company random:10000                 without a repository")]
    #[cfg(feature = "emulator")]
    Drill(DrillArgs),
    /// Run the embedded tenant: a Graph-compatible server for trying things out and for tests
    #[cfg(feature = "emulator")]
    Emulate(EmulateArgs),
    /// List the kinds of directory objects, with the permissions they need
    Kinds(KindsArgs),
    /// Print completions for a shell
    Completions(CompletionsArgs),
}

#[cfg(test)]
mod tests;
