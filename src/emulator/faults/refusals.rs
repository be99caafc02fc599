//! Simulates refusals of writes that pass by themselves: a service has not learned yet what was written a moment ago.
//!
//! Terraform's providers wait each of them out: <https://github.com/hashicorp/terraform-provider-azuread>,
//! <https://github.com/microsoft/terraform-provider-microsoft365wp>.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::emulator::error::Fault;
use crate::emulator::request::{Reply, Request};

/// Represents a reason for which writes are refused for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// A policy names a location that was just created: 400 with 1040, although a read by id finds it.
    /// <https://github.com/KelvinTegelaar/CIPP/issues/4655>
    NewLocation,
    /// A partner is created whose predecessor was just deleted: 409.
    DeletedPartner,
    /// The synchronization of a service principal that was just created is written: 409, or 403.
    NewSynchronization,
    /// A scope or a role of an application is removed that was just disabled: 400.
    /// <https://github.com/hashicorp/terraform-provider-azuread/blob/main/internal/services/applications/applications.go>
    DisabledPermission,
    /// A location is deleted that was just made untrusted: 400.
    UntrustedLocation,
    /// A location is deleted that a policy named which was just deleted: 400.
    UnnamedLocation,
    /// A resource is removed from a catalog that an access package had which was just deleted: 400.
    /// <https://github.com/hashicorp/terraform-provider-azuread/issues/1091>
    HeldResource,
    /// A rule of a policy is written just after another one: 412.
    ChangedRules,
}

impl Refusal {
    /// Lists all of them.
    pub const ALL: [Refusal; 8] = [
        Refusal::NewLocation,
        Refusal::DeletedPartner,
        Refusal::NewSynchronization,
        Refusal::DisabledPermission,
        Refusal::UntrustedLocation,
        Refusal::UnnamedLocation,
        Refusal::HeldResource,
        Refusal::ChangedRules,
    ];

    /// Returns the word that selects it.
    pub fn as_str(self) -> &'static str {
        match self {
            Refusal::NewLocation => "new-location",
            Refusal::DeletedPartner => "deleted-partner",
            Refusal::NewSynchronization => "new-synchronization",
            Refusal::DisabledPermission => "disabled-permission",
            Refusal::UntrustedLocation => "untrusted-location",
            Refusal::UnnamedLocation => "unnamed-location",
            Refusal::HeldResource => "held-resource",
            Refusal::ChangedRules => "changed-rules",
        }
    }

    fn fault(self, id: &str, dice: u64) -> Fault {
        match self {
            Refusal::NewLocation => {
                Fault::bad(format!("1040: NamedLocation with id {id} does not exist in the directory."))
            }
            Refusal::DeletedPartner => Fault::new(409, "Conflict", "The partner configuration already exists."),
            Refusal::NewSynchronization if dice.is_multiple_of(2) => {
                Fault::new(409, "Conflict", "The service principal is not ready.")
            }
            Refusal::NewSynchronization => Fault::denied(),
            Refusal::DisabledPermission => Fault::new(
                400,
                "CannotDeleteOrUpdateEnabledEntitlement",
                "Permission (scope or role) cannot be deleted or updated unless disabled first.",
            ),
            Refusal::UntrustedLocation => {
                Fault::bad("A trusted named location cannot be deleted. Mark it as not trusted first.")
            }
            Refusal::UnnamedLocation => {
                Fault::bad("The named location is referenced by a conditional access policy and cannot be deleted.")
            }
            Refusal::HeldResource => Fault::new(
                400,
                "InvalidDeleteResourceHasEntitlements",
                "The resource has entitlements and cannot be removed from the catalog.",
            ),
            Refusal::ChangedRules => Fault::new(412, "PreconditionFailed", "The policy was changed meanwhile."),
        }
    }
}

/// Describes a refusal that a write causes once it is carried out: the reason, and the id of the object. A created object has
/// no id yet.
pub type Cause = (Refusal, Option<String>);

/// Holds what one write has to do with refusals.
#[derive(Debug)]
pub struct Effects {
    /// Refusals that must be over before the write is taken, with ids in lower case.
    pub waits: Vec<(Refusal, String)>,
    /// Refusals from the write on.
    pub causes: Vec<Cause>,
}

/// Holds which refusals occur, and what is refused at present.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Refusals {
    longest: BTreeMap<Refusal, Duration>,
    until: BTreeMap<(Refusal, String), Instant>,
    counts: BTreeMap<&'static str, u64>,
}

impl Refusals {
    /// Lets a refusal occur, for at most so long each time.
    pub fn add(&mut self, refusal: Refusal, longest: Duration) {
        self.longest.insert(refusal, longest);
    }

    /// Returns how often each refusal occurred.
    pub fn counts(&self) -> &BTreeMap<&'static str, u64> {
        &self.counts
    }

    /// Counts a refusal.
    pub fn count(&mut self, word: &'static str) {
        *self.counts.entry(word).or_default() += 1;
    }

    /// Refuses a write that comes too soon, or returns what it will cause to be refused.
    pub fn admit(&mut self, effects: impl FnOnce() -> Effects, dice: u64, now: Instant) -> Result<Vec<Cause>, Fault> {
        if self.longest.is_empty() {
            return Ok(Vec::new());
        }
        let Effects { waits, causes } = effects();
        for (refusal, id) in waits {
            if self.until.get(&(refusal, id.clone())).is_some_and(|until| *until > now) {
                self.count(refusal.as_str());
                return Err(refusal.fault(&id, dice));
            }
        }
        Ok(causes)
    }

    /// Notes what a write that was carried out causes to be refused.
    pub fn note(&mut self, causes: Vec<Cause>, reply: &Reply, dice: u64, now: Instant) {
        let made = || serde_json::from_str::<Value>(reply.body.as_deref()?).ok()?["id"].as_str().map(str::to_owned);
        let share = fastrand::Rng::with_seed(dice).f64();
        for (refusal, id) in causes {
            if let (Some(longest), Some(id)) = (self.longest.get(&refusal), id.or_else(made)) {
                self.until.insert((refusal, id.to_lowercase()), now + longest.mul_f64(share));
            }
        }
    }
}

/// Share of requests at which entitlement management asks for a pause.
pub const ENTITLEMENT_SHARE: f64 = 0.02;

/// Describes answers of the services as a whole, whatever the request is.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Moods {
    /// Share of requests that are answered with `UnknownError`, and not carried out.
    pub unknown: f64,
    /// Longest time that entitlement management asks a client to wait.
    pub entitlement_wait: Duration,
}

/// Returns true if entitlement management answers the request.
pub fn is_of_entitlements(request: &Request) -> bool {
    request.segments.get(1).is_some_and(|segment| segment == "entitlementManagement")
}

/// Returns a refusal that comes and goes: 403 with a page for browsers as its message, or 404 without a message.
pub fn unknown(dice: u64) -> Fault {
    match dice.is_multiple_of(2) {
        true => Fault::new(403, "UnknownError", "<html><head><title>403 Forbidden</title></head><body></body></html>"),
        false => Fault::new(404, "UnknownError", ""),
    }
}

/// Returns the longest wait of entitlement management as a refusal.
pub fn entitlement_wait(wait: Duration) -> Fault {
    let mut fault = Fault::new(429, "TooManyRequests", "Too many requests. Please wait and try again later.");
    fault.headers.push(("Retry-After", format!("{:.0}", wait.as_secs_f64().ceil().max(1.0))));
    fault
}
