//! Finds the sign-ins that all enforced policies together leave open.
//!
//! A sign-in is a point: an application that administrators need, a client, a platform, a country and an address; it is made
//! from an unregistered device, and without any risk. "All policies that apply must be satisfied", so a sign-in is open if
//! no policy blocks it:
//! <https://learn.microsoft.com/entra/identity/conditional-access/concept-conditional-access-policies>.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::Ipv4Addr;

use serde_json::{Map, Value};

use super::methods::{Demand, demand};
use super::places::{PLATFORMS, spares_platform, spares_usual_sign_ins};
use super::policy::{NEEDED, applications, exempt, target};
use super::subject::Subject;
use super::world::{Countries, Places, Room, Zone, open_place};
use super::{Tenant, words};

/// Lists the clients of a sign-in, by the word in policies and by name; a portal needs a browser.
/// <https://learn.microsoft.com/entra/identity/conditional-access/concept-conditional-access-conditions#client-apps>
const CLIENTS: [(&str, &str); 2] =
    [("browser", "in a browser"), ("mobileappsanddesktopclients", "in a desktop application")];

/// Represents a sign-in that works.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SignIn {
    /// Name of the application, one of those that administrators need.
    pub application: &'static str,
    /// Client and platform: `in a browser`, `Windows`. `None` for a service principal.
    pub client: Option<(&'static str, &'static str)>,
    /// Address that the sign-in comes from.
    pub address: Ipv4Addr,
    /// Code of the country, if policies distinguish countries.
    pub country: Option<&'static str>,
}

impl fmt::Display for SignIn {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((client, platform)) = self.client {
            write!(out, "{client} on {platform} ")?;
        }
        write!(out, "from {}", self.address)?;
        self.country.map_or(Ok(()), |country| write!(out, " in {country}"))
    }
}

/// Tells how certain it is that a policy keeps an account out. A less certain level includes the more certain ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Certainty {
    /// The policy blocks the account.
    Blocks,
    /// The policy demands something that the account is not known to have.
    Demands,
    /// It depends on a rule whether the policy applies to the account.
    Doubtful,
}

/// Holds the enforced policies, with the conditions in which they differ.
pub(super) struct Policies<'a> {
    tenant: &'a Tenant,
    enforced: Vec<Enforced<'a>>,
    /// Places where the policies apply, once each.
    places: Vec<Places>,
}

struct Enforced<'a> {
    id: &'a str,
    policy: &'a Map<String, Value>,
    conditions: &'a Map<String, Value>,
    applications: BTreeSet<&'static str>,
    /// Names of the clients and the platforms that the policy applies to.
    clients: BTreeSet<&'static str>,
    platforms: BTreeSet<&'static str>,
    /// Index into [`Policies::places`].
    place: usize,
}

/// Refers to a policy that keeps an account out of what it covers, by its index.
#[derive(Debug, Clone, Copy)]
struct Closing {
    policy: usize,
    certainty: Certainty,
}

/// Describes the sign-in to look for.
struct Asked<'a> {
    subject: &'a Subject,
    application: &'static str,
    /// Countries to consider; all, if the set is empty.
    homes: &'a Countries,
    room: Room,
}

/// Describes applications that an account can no longer sign in to, and could before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lost {
    pub(super) applications: Vec<&'static str>,
    /// Ids of the policies that cause it together; without any of them a sign-in would be open.
    pub(super) policies: Vec<String>,
    pub(super) certainty: Certainty,
    /// A sign-in that worked before.
    pub(super) before: SignIn,
}

/// Returns an open sign-in to each of the applications that administrators need, where there is one: no enforced policy
/// keeps the subject out. A policy that may apply to the subject is assumed to apply.
pub fn open_sign_ins(tenant: &Tenant, subject: &Subject) -> Vec<SignIn> {
    Policies::of(tenant).open_sign_ins(subject)
}

/// Returns the applications that `subject` can no longer sign in to, and could before. Those in `said` are left out.
pub(super) fn lost_applications(
    before: &Policies<'_>,
    now: &Policies<'_>,
    subject: &Subject,
    said: &BTreeSet<&str>,
) -> Vec<Lost> {
    // Both sides use the same countries: otherwise a sign-in would seem lost only because its country is no longer
    // considered.
    let mut homes = before.homes_of(subject);
    homes.add_all(&now.homes_of(subject));
    let (old, new) = (before.closing(subject), now.closing(subject));
    let mut found: Vec<Lost> = Vec::new();
    for (_, application) in NEEDED.iter().filter(|(_, name)| !said.contains(name)) {
        let strict = [Certainty::Blocks, Certainty::Demands, Certainty::Doubtful];
        let ways = [Room::Anywhere, Room::Somewhere].into_iter().flat_map(|room| strict.map(|certain| (room, certain)));
        for (room, certainty) in ways {
            let asked = Asked { subject, application, homes: &homes, room };
            let up_to = |all: &[Closing]| -> Vec<Closing> {
                all.iter().filter(|closing| closing.certainty <= certainty).copied().collect()
            };
            let closing = up_to(&new);
            if now.open(&closing, &asked).is_some() {
                continue;
            }
            let Some(worked) = before.open(&up_to(&old), &asked) else { continue };
            let policies = now.fewest(closing, &asked);
            match found.iter_mut().find(|lost| lost.policies == policies && lost.certainty == certainty) {
                Some(lost) => lost.applications.push(application),
                None => {
                    let applications = vec![*application];
                    found.push(Lost { applications, policies, certainty, before: worked });
                }
            }
            break;
        }
    }
    found
}

impl<'a> Policies<'a> {
    /// Collects the enforced policies that apply to usual administrators' sign-ins.
    pub(super) fn of(tenant: &'a Tenant) -> Policies<'a> {
        let mut policies = Policies { tenant, enforced: Vec::new(), places: Vec::new() };
        for (id, policy) in &tenant.policies {
            let conditions = policy.get("conditions").and_then(Value::as_object);
            let Some(conditions) = conditions.filter(|_| policy.get("state") == Some(&Value::from("enabled"))) else {
                continue;
            };
            let applications = applications(conditions);
            if applications.is_empty() || spares_usual_sign_ins(conditions) {
                continue;
            }
            let named: BTreeSet<String> = words(conditions.get("clientAppTypes")).collect();
            let about = |client: &str| named.is_empty() || named.contains("all") || named.contains(client);
            let clients = CLIENTS.iter().filter(|(word, _)| about(word)).map(|(_, name)| *name).collect();
            let spared = |word: &str| spares_platform(conditions, word);
            let platforms = PLATFORMS.iter().filter(|(word, _)| !spared(word)).map(|(_, name)| *name).collect();
            let places = places(tenant, conditions);
            let place = policies.places.iter().position(|known| *known == places).unwrap_or_else(|| {
                policies.places.push(places);
                policies.places.len() - 1
            });
            policies.enforced.push(Enforced { id, policy, conditions, applications, clients, platforms, place });
        }
        policies
    }

    /// Returns the countries where the tenant's people are: those that a blocking policy for everybody excludes. A person
    /// can change networks within minutes, but not countries. A service principal has no country.
    fn homes_of(&self, subject: &Subject) -> Countries {
        let mut homes = Countries::default();
        let person = matches!(subject, Subject::User(_));
        for policy in self.enforced.iter().filter(|_| person) {
            let users = policy.conditions.get("users").and_then(|users| users.get("includeUsers"));
            let places = &self.places[policy.place];
            let blocks = demand(self.tenant, policy.policy, subject) == Demand::Block;
            if places.include.everywhere && words(users).any(|word| word == "all") && blocks {
                homes.add_all(places.exclude.countries());
            }
        }
        homes
    }

    /// Returns the policies that keep `subject` out of something.
    fn closing(&self, subject: &Subject) -> Vec<Closing> {
        let mut found = Vec::new();
        for (number, policy) in self.enforced.iter().enumerate() {
            let Some(doubts) = target(self.tenant, policy.conditions, subject) else { continue };
            if exempt(self.tenant, policy.conditions, subject) {
                continue;
            }
            let certainty = match (demand(self.tenant, policy.policy, subject), subject) {
                (Demand::Met, _) | (Demand::Unmet(_), Subject::Principal(_)) => continue,
                _ if !doubts.is_empty() => Certainty::Doubtful,
                (Demand::Block, _) => Certainty::Blocks,
                (Demand::Unmet(_), Subject::User(_)) => Certainty::Demands,
            };
            found.push(Closing { policy: number, certainty });
        }
        found
    }

    /// Returns the name of a policy.
    pub(super) fn name<'b>(&'b self, id: &'b str) -> &'b str {
        self.tenant.name(id)
    }

    /// Returns an open sign-in to each application that has one.
    pub(super) fn open_sign_ins(&self, subject: &Subject) -> Vec<SignIn> {
        let (homes, closing) = (self.homes_of(subject), self.closing(subject));
        let asked = |application| Asked { subject, application, homes: &homes, room: Room::Anywhere };
        NEEDED.iter().filter_map(|(_, application)| self.open(&closing, &asked(*application))).collect()
    }

    /// Returns a sign-in to the application that no policy of `closing` applies to.
    fn open(&self, closing: &[Closing], asked: &Asked<'_>) -> Option<SignIn> {
        let mut known = BTreeMap::new();
        let application = asked.application;
        // The administration portals can be opened in a browser only.
        let clients = if application == NEEDED[0].1 { &CLIENTS[..1] } else { &CLIENTS[..] };
        for (_, client) in clients {
            for (_, platform) in PLATFORMS {
                let about = closing.iter().map(|closing| &self.enforced[closing.policy]).filter(|policy| {
                    policy.applications.contains(application)
                        && policy.clients.contains(client)
                        && policy.platforms.contains(platform)
                });
                let places: BTreeSet<usize> = about.map(|policy| policy.place).collect();
                let place = known.entry(places).or_insert_with_key(|places| {
                    let closed: Vec<&Places> = places.iter().map(|place| &self.places[*place]).collect();
                    open_place(&closed, asked.homes, asked.room)
                });
                if let Some((address, country)) = *place {
                    let client = matches!(asked.subject, Subject::User(_)).then_some((*client, platform));
                    return Some(SignIn { application, client, address, country });
                }
            }
        }
        None
    }

    /// Returns the ids of a minimal part of `closing` that still leaves no sign-in open.
    fn fewest(&self, closing: Vec<Closing>, asked: &Asked<'_>) -> Vec<String> {
        let mut kept = closing;
        for number in (0..kept.len()).rev() {
            let mut fewer = kept.clone();
            fewer.remove(number);
            if self.open(&fewer, asked).is_none() {
                kept = fewer;
            }
        }
        kept.iter().map(|closing| self.enforced[closing.policy].id.to_owned()).collect()
    }

    /// Returns true if a person can sign in to a portal or Graph, where roles and policies are changed, as far as no policy
    /// blocks it.
    pub(super) fn leave_a_way_to_administer(&self, subject: &Subject) -> bool {
        let blocks = self.closing(subject).into_iter().filter(|closing| closing.certainty == Certainty::Blocks);
        let blocks: Vec<Closing> = blocks.collect();
        let (homes, room) = (Countries::default(), Room::Somewhere);
        NEEDED[..2]
            .iter()
            .any(|(_, application)| self.open(&blocks, &Asked { subject, application, homes: &homes, room }).is_some())
    }
}

/// Returns the places where a policy applies; everywhere, if it names none.
fn places(tenant: &Tenant, conditions: &Map<String, Value>) -> Places {
    let at = |list: &str| conditions.get("locations").and_then(|value| value.get(list));
    let mut include = Zone::of(tenant, words(at("includeLocations")));
    let mut named = words(at("includeLocations")).peekable();
    // If no locations were read, a policy that names one is assumed to apply everywhere.
    include.everywhere |= named.peek().is_none() || (tenant.locations.is_empty() && named.any(|id| id.len() == 36));
    Places { include, exclude: Zone::of(tenant, words(at("excludeLocations"))) }
}
