//! Injects faults: replicas that lag, answers that get lost, limits, and a server that stops answering.
//!
//! The time is tokio's, so that a test with a paused clock waits for nothing. The random numbers are seeded: the same faults
//! occur for the same requests, as long as these come in the same order.

mod ailments;
mod limits;
mod refusals;
mod replicas;
mod requests;
mod view;
pub mod writes;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::error::Fault;
use super::request::{Reply, Request};
use super::routes::Target;
pub use ailments::{Ailments, ReadFault, less, reading};
use limits::Limits;
use refusals::{Cause, Effects, Moods, Refusal, Refusals};
pub use replicas::{Capture, Replicas};
pub use requests::RequestStatus;

/// Describes which faults occur, and how often. By default there are none.
#[derive(Debug, Clone, PartialEq)]
pub struct Faults {
    /// Seed of the random numbers.
    pub seed: u64,
    /// Maximum time until a write is known to every replica.
    pub lag: Duration,
    /// Share of POSTs that are carried out and whose answer is lost.
    pub lose: f64,
    /// Share of all other writes that are carried out and whose answer is lost.
    pub lose_others: f64,
    /// Share of writes that are neither carried out nor answered.
    pub drop: f64,
    /// Factor on Microsoft's limits; `None` for no limits.
    pub limits: Option<f64>,
    /// True if the limits are used up when the server starts.
    pub drained: bool,
    /// Time that every request takes.
    pub latency: Duration,
    /// Number of the write (counted from 1) from which on nothing is answered.
    pub hang: Option<(u64, Hang)>,
    /// Kinds that cannot be read.
    pub ailments: Ailments,
    /// Ids of objects that lists leave out. A read by id returns them, as Graph does with some policies:
    /// <https://github.com/microsoftgraph/msgraph-sdk-powershell/issues/431>.
    pub omitted: BTreeSet<String>,
    /// Status that requests for schedules are answered with; `None` if they are carried out.
    pub request_status: Option<RequestStatus>,
    /// Writes that are refused for a while after others.
    pub refusals: Refusals,
    /// Refusals of whole services that come and go.
    pub moods: Moods,
}

/// Holds the replication lag of one write or one look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lag {
    /// Maximum time until a write is known to every replica.
    pub maximum: Duration,
    /// Random number that chooses the replica, and the times of the replicas.
    pub dice: u64,
}

/// Tells when a server stops answering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hang {
    /// Before the write is carried out.
    Before,
    /// After the write is carried out.
    After,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            seed: 1,
            lag: Duration::ZERO,
            lose: 0.0,
            lose_others: 0.0,
            drop: 0.0,
            limits: None,
            drained: false,
            latency: Duration::ZERO,
            hang: None,
            ailments: Ailments::default(),
            omitted: BTreeSet::new(),
            request_status: None,
            refusals: Refusals::default(),
            moods: Moods::default(),
        }
    }
}

impl std::str::FromStr for Faults {
    type Err = String;

    /// Parses faults, as in `lag:60,lose:0.5,seed:7`: words with commas or line ends between them; `#` begins a comment.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut faults = Self::default();
        let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
        for word in lines.flat_map(|line| line.split(',')).map(str::trim).filter(|word| !word.is_empty()) {
            let (name, value) = word.split_once(':').map_or((word, ""), |(name, value)| (name.trim(), value.trim()));
            let number = || -> Result<f64, String> {
                let number = value.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0);
                number.ok_or_else(|| format!("{name} takes a number, as in {name}:0.5, not {value:?}"))
            };
            let whole = || value.parse::<u64>().map_err(|_| format!("{name} takes a whole number, not {value:?}"));
            let share = || number().and_then(|n| if n <= 1.0 { Ok(n) } else { Err(format!("{name} is at most 1")) });
            let time = |unit: f64| number().map(|n| Duration::from_secs_f64((n * unit).min(1e6)));
            match name {
                "seed" => faults.seed = whole()?,
                "lag" => faults.lag = time(1.0)?,
                "latency" => faults.latency = time(0.001)?,
                "lose" => faults.lose = share()?,
                "lose-others" => faults.lose_others = share()?,
                "drop" => faults.drop = share()?,
                "limits" if value.is_empty() => faults.limits = Some(1.0),
                "limits" => faults.limits = Some(number()?).filter(|factor| *factor > 0.0),
                "drained" => faults.drained = true,
                "omit" if !value.is_empty() => {
                    faults.omitted.insert(value.to_owned());
                }
                "requests" => faults.request_status = Some(value.parse()?),
                "unknown" => faults.moods.unknown = share()?,
                "entitlement-wait" => faults.moods.entitlement_wait = time(1.0)?,
                "hang-before" => faults.hang = Some((whole()?, Hang::Before)),
                "hang-after" => faults.hang = Some((whole()?, Hang::After)),
                _ => match (
                    ReadFault::ALL.into_iter().find(|ailment| ailment.as_str() == name),
                    Refusal::ALL.into_iter().find(|refusal| refusal.as_str() == name),
                ) {
                    (Some(ailment), _) => faults.ailments.add(ailment, value)?,
                    (None, Some(refusal)) => faults.refusals.add(refusal, time(1.0)?),
                    (None, None) => {
                        return Err(format!(
                            "unknown fault {name:?}; there are seed, lag, latency, lose, lose-others, drop, limits, drained, \
                             hang-before, hang-after, omit, requests, unknown, entitlement-wait, new-location, deleted-partner, \
                             new-synchronization, disabled-permission, untrusted-location, unnamed-location, held-resource and \
                             changed-rules, and of a kind, as in denied:group, denied, unlicensed, \
                             unprovisioned, broken, expired, empty and empty-once"
                        ));
                    }
                },
            }
        }
        Ok(faults)
    }
}

/// Represents how a write ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is carried out and answered.
    Answered,
    /// It is carried out, and the connection breaks.
    Cut,
    /// It is carried out, and a gateway in between answers with this status.
    Masked(u16),
    /// It is not carried out, and the connection breaks.
    Dropped,
    /// Nothing is ever answered.
    Hangs(Hang),
}

/// Holds the active faults.
#[derive(Debug)]
pub struct FaultInjector(Mutex<State>, watch::Sender<bool>);

#[derive(Debug)]
struct State {
    faults: Faults,
    dice: fastrand::Rng,
    /// Random numbers of the refusals, apart from the others: a word more does not change when answers are lost.
    refusal_dice: fastrand::Rng,
    limits: Option<Limits>,
    writes: u64,
    lost: u64,
    throttled: u64,
    requests: u64,
    access: u64,
    units: u64,
    /// Time until which entitlement management answers nothing.
    entitlements: Option<Instant>,
}

/// Counts the requests since the faults were set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Number of writes.
    pub writes: u64,
    /// Number of answers that were lost on purpose.
    pub lost: u64,
    /// Number of requests that were throttled.
    pub throttled: u64,
    /// Number of requests that were answered; those within a batch count one by one.
    pub requests: u64,
    /// Number of answered requests to Conditional Access.
    pub access: u64,
    /// Resource units that the requests cost, where such are counted:
    /// <https://learn.microsoft.com/graph/throttling-limits#identity-and-access-service-limits>.
    pub units: u64,
}

impl FaultInjector {
    /// Returns the faults for a tenant with so many users.
    pub fn new(faults: Faults, users: usize) -> Self {
        Self(Mutex::new(State::new(faults, users)), watch::channel(false).0)
    }

    /// Replaces the faults; writes are counted from zero again.
    pub fn change(&self, faults: Faults, users: usize) {
        *self.state() = State::new(faults, users);
        self.1.send_replace(false);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the maximum lag, and a random number for one write or one look: `None` if there is no lag.
    pub fn lag(&self) -> Option<Lag> {
        let mut state = self.state();
        (!state.faults.lag.is_zero()).then(|| Lag { maximum: state.faults.lag, dice: state.dice.u64(..) })
    }

    /// Returns the time that every request takes.
    pub fn latency(&self) -> Duration {
        self.state().faults.latency
    }

    /// Returns the fault of the path that is read.
    pub fn ailment(&self, target: &Target) -> Option<ReadFault> {
        self.state().faults.ailments.meet(target)
    }

    /// Returns the ids of objects that lists leave out.
    pub fn omitted(&self) -> BTreeSet<String> {
        self.state().faults.omitted.clone()
    }

    /// Returns the status that requests for schedules are answered with, if it is not that of a request that is carried out.
    pub fn request_status(&self) -> Option<RequestStatus> {
        self.state().faults.request_status
    }

    /// Decides how the next write ends.
    pub fn fate(&self, method: &str) -> Fate {
        let mut state = self.state();
        state.writes += 1;
        if let Some((from, hang)) = state.faults.hang
            && state.writes >= from
        {
            self.1.send_replace(true);
            // Writes after the first are not carried out: the server is as good as dead.
            return Fate::Hangs(if state.writes == from { hang } else { Hang::Before });
        }
        let share = if method == "POST" { state.faults.lose } else { state.faults.lose_others };
        let (dropped, lost, how) = (state.dice.f64(), state.dice.f64(), state.dice.u8(0..3));
        if dropped < state.faults.drop {
            return Fate::Dropped;
        }
        if lost >= share {
            return Fate::Answered;
        }
        state.lost += 1;
        match how {
            0 => Fate::Cut,
            1 => Fate::Masked(503),
            _ => Fate::Masked(504),
        }
    }

    /// Returns a receiver that tells when the server has stopped answering.
    pub fn hangs(&self) -> watch::Receiver<bool> {
        self.1.subscribe()
    }

    /// Refuses a request above the limits, or for no reason that concerns it.
    pub fn admit(&self, request: &Request) -> Result<(), Fault> {
        let mut state = self.state();
        state.admit_in_mood(request)?;
        let Some(limits) = &mut state.limits else { return Ok(()) };
        let refused = limits.admit(request, Instant::now());
        state.throttled += u64::from(refused.is_err());
        refused
    }

    /// Refuses a write that comes too soon after others, or returns what it will cause to be refused.
    pub fn admit_write(&self, effects: impl FnOnce() -> Effects) -> Result<Vec<Cause>, Fault> {
        let mut state = self.state();
        let dice = state.refusal_dice.u64(..);
        state.faults.refusals.admit(effects, dice, Instant::now())
    }

    /// Notes what a write that was carried out causes to be refused.
    pub fn note(&self, causes: Vec<Cause>, reply: &Reply) {
        let mut state = self.state();
        let dice = state.refusal_dice.u64(..);
        state.faults.refusals.note(causes, reply, dice, Instant::now());
    }

    /// Returns how often each refusal that passes by itself occurred since the faults were set.
    pub fn refusals(&self) -> BTreeMap<&'static str, u64> {
        self.state().faults.refusals.counts().clone()
    }

    /// Charges the cost of a reply.
    pub fn charge(&self, request: &Request, units: u32) {
        let mut state = self.state();
        state.requests += 1;
        state.access += u64::from(limits::is_access(request));
        state.units += limits::units_of(request, units).map_or(0, u64::from);
        if let Some(limits) = &mut state.limits {
            limits.charge(request, units, Instant::now());
        }
    }

    /// Returns the counts since the faults were set.
    pub fn counts(&self) -> Counts {
        let State { writes, lost, throttled, requests, access, units, .. } = *self.state();
        Counts { writes, lost, throttled, requests, access, units }
    }
}

impl State {
    fn new(faults: Faults, users: usize) -> Self {
        let dice = fastrand::Rng::with_seed(faults.seed);
        let limits = faults.limits.map(|factor| Limits::new(users, factor, faults.drained, Instant::now()));
        let refusal_dice = fastrand::Rng::with_seed(!faults.seed);
        let entitlements = None;
        Self {
            faults,
            dice,
            refusal_dice,
            limits,
            writes: 0,
            lost: 0,
            throttled: 0,
            requests: 0,
            access: 0,
            units: 0,
            entitlements,
        }
    }

    /// Refuses a request as services do that are not well: with an error that says nothing, or with a long wait.
    fn admit_in_mood(&mut self, request: &Request) -> Result<(), Fault> {
        let Moods { unknown, entitlement_wait } = self.faults.moods;
        if unknown > 0.0 && self.refusal_dice.f64() < unknown {
            self.faults.refusals.count("unknown");
            return Err(refusals::unknown(self.refusal_dice.u64(..)));
        }
        if entitlement_wait.is_zero() || !refusals::is_of_entitlements(request) {
            return Ok(());
        }
        let now = Instant::now();
        // It asks once in a while, and what comes before the time is over is refused like the first.
        let is_over = self.entitlements.is_none_or(|until| until <= now);
        if is_over && self.refusal_dice.f64() < refusals::ENTITLEMENT_SHARE {
            self.entitlements = Some(now + entitlement_wait);
        }
        match self.entitlements.map(|until| until.saturating_duration_since(now)) {
            Some(left) if !left.is_zero() => {
                self.faults.refusals.count("entitlement-wait");
                Err(refusals::entitlement_wait(left))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_told_in_words() {
        let faults: Faults = "lag:60, lose:0.5,seed:7\nlimits # as Microsoft has them\nhang-after:3".parse().unwrap();
        let expected = Faults {
            seed: 7,
            lag: Duration::from_secs(60),
            lose: 0.5,
            limits: Some(1.0),
            hang: Some((3, Hang::After)),
            ..Faults::default()
        };
        assert_eq!(faults, expected);
        let said = |text: &str| text.parse::<Faults>().unwrap_err();
        insta::assert_snapshot!(said("lag:soon"), @r#"lag takes a number, as in lag:0.5, not "soon""#);
        insta::assert_snapshot!(said("lose:2"), @"lose is at most 1");
        insta::assert_snapshot!(said("lots"), @r#"unknown fault "lots"; there are seed, lag, latency, lose, lose-others, drop, limits, drained, hang-before, hang-after, omit, requests, unknown, entitlement-wait, new-location, deleted-partner, new-synchronization, disabled-permission, untrusted-location, unnamed-location, held-resource and changed-rules, and of a kind, as in denied:group, denied, unlicensed, unprovisioned, broken, expired, empty and empty-once"#);
        insta::assert_snapshot!(said("denied:cats"), @r#"denied takes a kind, as in denied:group, not "cats""#);
        insta::assert_snapshot!(said("requests:done"), @r#"requests takes a status, as in requests:Failed, not "done"; there are Provisioned, Failed, Denied, Canceled, PendingApproval, PendingAdminDecision, PendingProvisioning and PendingScheduleCreation"#);
    }

    #[test]
    fn the_same_seed_loses_the_same_answers() {
        let fates = |seed| {
            let weather = FaultInjector::new(Faults { seed, lose: 0.5, ..Faults::default() }, 1);
            (0..40).map(|_| weather.fate("POST")).collect::<Vec<_>>()
        };
        assert_eq!(fates(7), fates(7));
        assert_ne!(fates(7), fates(8));
        assert!(fates(7).contains(&Fate::Cut) && fates(7).contains(&Fate::Answered));
        let weather = FaultInjector::new(Faults { lose: 1.0, ..Faults::default() }, 1);
        assert_eq!(weather.fate("PATCH"), Fate::Answered);
    }
}
