//! Which sign-ins all enforced policies together leave open.
//!
//! A sign-in is a point: an application that administrators need, a client, a platform, a country and an address; it is made
//! from a device that nobody registered, and without any risk. "All policies that apply must be satisfied", so one that no
//! policy keeps out is what is left:
//! <https://learn.microsoft.com/entra/identity/conditional-access/concept-conditional-access-policies>.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::Ipv4Addr;

use serde_json::{Map, Value};

use super::methods::{Demand, demand};
use super::places::{PLATFORMS, spares_platform, spares_usual_sign_ins};
use super::policy::{NEEDED, Subject, applications, exempt, target};
use super::world::{Countries, Places, Room, Zone, open_place};
use super::{Tenant, words};

/// Ways of signing in, as policies name them; a portal needs a browser.
/// <https://learn.microsoft.com/entra/identity/conditional-access/concept-conditional-access-conditions#client-apps>
const CLIENTS: [(&str, &str); 2] =
    [("browser", "in a browser"), ("mobileappsanddesktopclients", "in a desktop application")];

/// A sign-in that works.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SignIn {
    /// The application's name, one of those that administrators need.
    pub application: &'static str,
    /// With what, on which platform: `in a browser`, `Windows`. Nothing, if nobody sits there.
    pub client: Option<(&'static str, &'static str)>,
    /// The address that it comes from.
    pub address: Ipv4Addr,
    /// The country's code, if policies tell countries apart.
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

/// Says how sure it is that a policy keeps an account out. What is less sure holds for the sure ones as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Certainty {
    /// It blocks.
    Blocks,
    /// It asks for something that nobody knows the account to have.
    Demands,
    /// True if the policy is about the account hangs on a rule.
    Doubtful,
}

/// The policies that are enforced, with what they tell apart.
pub(super) struct Policies<'a> {
    tenant: &'a Tenant,
    enforced: Vec<Enforced<'a>>,
    /// Where policies apply, once each.
    places: Vec<Places>,
}

struct Enforced<'a> {
    id: &'a str,
    policy: &'a Map<String, Value>,
    conditions: &'a Map<String, Value>,
    applications: BTreeSet<&'static str>,
    /// Names of the clients and the platforms that it is about.
    clients: BTreeSet<&'static str>,
    platforms: BTreeSet<&'static str>,
    /// Which of [`Policies::places`].
    place: usize,
}

/// A policy that keeps an account out of what it covers, by its number.
#[derive(Debug, Clone, Copy)]
struct Closing {
    policy: usize,
    certainty: Certainty,
}

/// What sign-in is asked for.
struct Asked<'a> {
    subject: &'a Subject,
    application: &'static str,
    /// The only countries that count, if there are any.
    homes: &'a Countries,
    room: Room,
}

/// Applications to which no sign-in is left that one was left to before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lost {
    pub(super) applications: Vec<&'static str>,
    /// Ids of the policies that come to it together; without any of them something would be left.
    pub(super) policies: Vec<String>,
    pub(super) certainty: Certainty,
    /// What worked before.
    pub(super) before: SignIn,
}

/// Returns a sign-in to each of the applications that administrators need, where one is left: no enforced policy keeps the
/// subject out of it. Policies that may be about the subject are taken to be.
pub fn open_sign_ins(tenant: &Tenant, subject: &Subject) -> Vec<SignIn> {
    Policies::of(tenant).open_sign_ins(subject)
}

/// Returns the applications to which `subject` has no sign-in left, and had one before. Those in `said` are left out.
pub(super) fn lost(before: &Policies<'_>, now: &Policies<'_>, subject: &Subject, said: &BTreeSet<&str>) -> Vec<Lost> {
    // The same world for both, lest a sign-in seems lost that nobody counts on any more.
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
    /// Reads the policies that are enforced and are about sign-ins as administrators make them.
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

    /// Returns the countries in which the tenant's people are: those from which alone a policy lets everybody in. A network
    /// can be left for another within minutes, a country cannot. A service principal is in none.
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

    /// Returns what a policy is called.
    pub(super) fn name<'b>(&'b self, id: &'b str) -> &'b str {
        self.tenant.name(id)
    }

    /// Returns a sign-in to each application that one is left to.
    pub(super) fn open_sign_ins(&self, subject: &Subject) -> Vec<SignIn> {
        let (homes, closing) = (self.homes_of(subject), self.closing(subject));
        let asked = |application| Asked { subject, application, homes: &homes, room: Room::Anywhere };
        NEEDED.iter().filter_map(|(_, application)| self.open(&closing, &asked(*application))).collect()
    }

    /// Returns a sign-in to the application that none of `closing` is about.
    fn open(&self, closing: &[Closing], asked: &Asked<'_>) -> Option<SignIn> {
        let mut known = BTreeMap::new();
        let application = asked.application;
        // What the administration portals are opened with.
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

    /// Returns those of `closing` that still leave nothing open when all others are gone, and none of which can be spared.
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

    /// Returns true if a person can sign in to where roles and policies are changed, as far as no policy blocks it.
    pub(super) fn leave_a_way_to_administer(&self, subject: &Subject) -> bool {
        let blocks = self.closing(subject).into_iter().filter(|closing| closing.certainty == Certainty::Blocks);
        let blocks: Vec<Closing> = blocks.collect();
        let (homes, room) = (Countries::default(), Room::Somewhere);
        NEEDED[..2]
            .iter()
            .any(|(_, application)| self.open(&blocks, &Asked { subject, application, homes: &homes, room }).is_some())
    }
}

/// Returns where a policy applies; everywhere, if it does not say.
fn places(tenant: &Tenant, conditions: &Map<String, Value>) -> Places {
    let at = |list: &str| conditions.get("locations").and_then(|value| value.get(list));
    let mut include = Zone::of(tenant, words(at("includeLocations")));
    let mut named = words(at("includeLocations")).peekable();
    // Where no location was read, nobody knows what one of them leaves out.
    include.everywhere |= named.peek().is_none() || (tenant.locations.is_empty() && named.any(|id| id.len() == 36));
    Places { include, exclude: Zone::of(tenant, words(at("excludeLocations"))) }
}
