//! Entragit keeps a Microsoft Entra tenant in git: `export` writes every directory object as normalized YAML and commits it,
//! `diff` says what differs and who did it, `plan` and `apply` bring the tenant back to any commit.
//!
//! # Floors
//!
//! One crate, a library and a `main.rs` of a dozen lines. A module imports only from floors below its own; modules on one
//! floor are strangers. A test holds it, and clippy keeps clocks, files, network, randomness, hash maps and printing out of
//! the first four.
//!
//! | floor | owns | only home of |
//! |---|---|---|
//! | [`cli`] | arguments, output, exit codes, the demonstration | clap, stdout |
//! | [`ops`] | use cases: the only place where reading, thinking and writing meet | – |
//! | [`graph`], [`emulator`], [`webhook`], [`forge`] | the two ends of the wire, which do not know each other; messages to the outside; pull requests | reqwest (`graph`, `webhook`); axum; `gh`, `glab`, `az` |
//! | [`tenant`], [`repo`] | the ports to a tenant and one in memory; git | –; git2, walkdir |
//! | [`engine`], [`mod@format`] | every decision, pure and synchronous; paths, bytes, manifest, settings | –; serde_yaml |
//! | [`kinds`] | one constant per Entra type: how Graph serves it | Graph paths |
//! | [`model`] | the words as plain data | – |
//!
//! # Words
//!
//! | word | means |
//! |---|---|
//! | kind | one type of directory object, as [`kinds`] lists it: `group`, `conditionalAccessPolicy` |
//! | object, address | one object of the tenant, normalized; its kind and id |
//! | link | a list of an object that Graph serves and changes on its own: `members`, `appRoleAssignedTo` |
//! | entry, child | one element of a link; an entry that is an object within its parent |
//! | reference | an id in an object that names another one |
//! | snapshot | a commit that holds the tenant as it was read; they stand on the branch `snapshots` |
//! | manifest | the file of a snapshot that says what was read, how completely, and which ids became which |
//! | coverage | how completely a kind or a link was read |
//! | base, wanted, live | the last snapshot; the commit to reach; the tenant now |
//! | scope | the kinds, objects and properties that a command looks at |
//! | change, finding | what differs in one object; what is wrong with a file |
//! | risk | a mark of a schema on a change that deserves a second look |
//! | plan, step, wave | the ordered writes; one of them; those that may run at the same time |
//! | loss | what a plan cannot bring back |
//! | left | a difference that no step covers |
//! | guard, verdict | a named rule over a plan; what it says of one |
//! | journal | the file in which an apply keeps what it has written, so that another run can go on |
//! | receipt | the commit that ends an apply: the tenant as it was read afterwards |
//! | id map | old id → new id, of objects that were created again |
//! | recycle bin | where Graph keeps deleted objects for 30 days |
//!
//! # Flows
//!
//! ```text
//! export  kinds in scope ─► tenant.list(kind) ─► normalize ─► (path, bytes) ─► one pack ─► tree ─► same tree? no commit
//! sync    fetch ─► notes merged, unpushed exports that were overtaken given up ─► export ─► push all or nothing ─► overtaken? again
//! watch   tenant.changes, audit events ─► what changed is read, the rest carried ─► one commit per actor ─► state
//! diff    side A, side B ─► equal blob ids skipped unparsed ─► changes ─► audit events joined ─► render
//! log     snapshots, newest first ─► trees that are the neighbour's skipped ─► changes of the object ─► notes joined ─► render
//! drift   main, as fetched ─► less its own edits since the last snapshot ─► live ─► less what others own ─► render, webhooks
//! propose  last snapshot against main ─► Review, ticks of the pull request ─► a commit on top of main, the text ─► branch, pull request
//! status  last snapshot, manifest, refs, what differs between the last snapshots ─► Status ─► what needs attention
//! doctor  sign-in ─► claims of the token ─► permissions of each kind; git identity, remote, clock ─► what to do
//! plan    wanted (commit), live, base (last snapshot), recycle bin, id map ─► Plan ─► guards ─► verdicts
//! apply   binding holds? approved? ─► what was found is kept ─► waves: re-read, journal, write ─► learn ids ─► read again, compare ─► receipt
//! translate  another tenant's commit, map, last snapshot ─► a commit of this tenant ─► what it changes, three-way against live ─► Plan
//! undo    receipt ─► what it changed, three-way against live ─► Plan
//! drill   snapshot ─► embedded tenant ─► damage ─► plan ─► apply ─► every object held against what it was
//! ```
//!
//! # Ideas that everything rests on
//!
//! - **A plan is a value.** [`engine::plan::plan`] takes no client, no clock and no printer; there is no dry run, because what
//!   plans never holds anything that can write. [`engine::planfile`] makes it a file that a person can review.
//! - **A kind is data.** A schema says what a type's fields mean ([`engine::schema`] reads it), a constant in [`kinds`] says how
//!   Graph serves it. Exporter, planner, validator, embedded tenant and help are readers of these two.
//! - **Absence must be proven.** [`model::Coverage`] says of each kind and link how completely it was read; what is not
//!   complete is carried over, and never deleted ([`ops::snapshot::export`], [`engine::plan`]). What a list lacks is asked for
//!   by id ([`ops::read::absence`]), and a snapshot that lost much without an explanation is not published
//!   ([`ops::snapshot::shrink`]).
//! - **Two ways to aim.** An earlier commit is wanted as it stands. One that was forked from an earlier snapshot means what it
//!   changed since; the rest is the tenant's ([`ops::plan::changes`], [`engine::merge`]). Asked for changes, it is the live
//!   tenant that they are held against, and so it is with the way back from an apply ([`ops::apply::undo`]).
//! - **Nobody is kept out on the way.** [`engine::access`] carries a plan out, wave by wave, on what decides who gets in, and
//!   the guard `lock-out` compares each state with the one before ([`engine::guard`]).
//! - **A clone has one history.** Where its branch of the snapshots is missing or behind, the remote's is worked from; what
//!   cannot be one history is refused before the tenant is asked ([`ops::commit::snapshots_branch`]).
//! - **Cost follows the change.** Both sides of a comparison are indexed by blob id and parsed only where these differ
//!   ([`ops::commit::source`]); a watch reads what changed and carries the rest, to the same tree ([`ops::snapshot::incremental`]).
//! - **One event stream.** Work speaks in [`model::Event`]s; whoever listens decides what to show.
//! - **The embedded tenant is no mirror.** [`emulator`] knows Graph from Microsoft's metadata and pages, never from [`graph`]. It is a
//!   cargo feature, on by default, and nothing but `demo`, `drill` and `emulate` needs it.

pub mod model;

pub mod kinds;

pub mod engine;
pub mod format;

pub mod repo;
pub mod tenant;

#[cfg(feature = "emulator")]
pub mod emulator;
pub mod forge;
pub mod graph;
pub mod webhook;

pub mod ops;

pub mod cli;
