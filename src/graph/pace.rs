//! Paces requests after Graph has refused one with 429.
//!
//! Writes to the directory share one limit, 3,000 in 150 seconds for an application in a tenant, for all kinds together.
//! <https://learn.microsoft.com/graph/throttling-limits#identity-and-access-service-limits>. Conditional Access takes "1 request
//! per second per tenant" for all applications together, and its 429 carries no `Retry-After`:
//! <https://learn.microsoft.com/graph/throttling-limits#identity-protection-and-conditional-access-service-limits>. Workers that
//! each back off on their own would come back together, and be refused together. Here they queue: one request at a time leaves,
//! further apart after each refusal, closer after each answer.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Queue of all writes except those that the next two workloads count.
pub(super) const WRITES: &str = "writes";

/// The workload of Conditional Access.
pub(super) const ACCESS: &str = "identity/conditionalAccess";

/// The workload of identity providers, user flows, event listeners and authentication extensions: "200 requests per minute" for
/// an application in a tenant.
/// <https://learn.microsoft.com/graph/throttling-limits#identity-providers-service-limits>
pub(super) const IDENTITY: &str = "identity";

/// Maximum time between two requests.
const LONGEST: Duration = Duration::from_secs(10);

/// Returns the documented time between two requests, with a little to spare: the value at which a queue starts.
fn documented(queue: &str) -> Duration {
    Duration::from_millis(match queue {
        WRITES => 51,
        IDENTITY => 306,
        _ => 1_020,
    })
}

#[derive(Debug)]
struct Queue {
    first: Duration,
    next: Instant,
    apart: Duration,
    slowed: Instant,
}

/// Holds the queues, by workload. A workload that never refused a request has none.
#[derive(Debug, Default)]
pub(super) struct Pace(Mutex<HashMap<String, Queue>>);

impl Pace {
    fn queues(&self) -> MutexGuard<'_, HashMap<String, Queue>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reserves the next slot and returns when the request may be sent.
    pub(super) fn place(&self, workload: &str, now: Instant) -> Instant {
        let mut queues = self.queues();
        let Some(queue) = queues.get_mut(workload) else { return now };
        let at = queue.next.max(now);
        queue.next = at + queue.apart;
        at
    }

    /// Records that a request was refused, and is to wait for the given time. Refusals of requests under way at the same time
    /// count once.
    pub(super) fn slower(&self, workload: &str, now: Instant, wait: Option<Duration>) {
        let mut queues = self.queues();
        let first = documented(workload);
        let queue = queues.entry(workload.to_owned()).or_insert(Queue { first, next: now, apart: first, slowed: now });
        queue.next = queue.next.max(now + wait.unwrap_or(first * 2));
        if now >= queue.slowed + (queue.apart * 4).max(Duration::from_secs(1)) {
            queue.apart = queue.apart.mul_f64(1.25).clamp(first, LONGEST);
            queue.slowed = now;
        }
    }

    /// Records that a request was answered.
    pub(super) fn faster(&self, workload: &str) {
        let mut queues = self.queues();
        if let Some(queue) = queues.get_mut(workload) {
            // The interval shrinks slowly down to the documented pace, and below it so slowly that the resulting refusals cost no
            // more than is gained.
            let by = if queue.apart > queue.first { 0.97 } else { 0.99999 };
            queue.apart = queue.apart.mul_f64(by).max(queue.first / 10);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_refused_queues() {
        let (pace, start) = (Pace::default(), Instant::now());
        assert_eq!(pace.place(ACCESS, start), start);
        for _ in 0..20 {
            pace.slower(ACCESS, start, None);
        }
        let places: Vec<u128> = (0..3).map(|_| pace.place(ACCESS, start).duration_since(start).as_millis()).collect();
        assert_eq!(places, [2_040, 3_060, 4_080]);
        assert_eq!(pace.place("users", start), start);
        let later = start + Duration::from_secs(20);
        pace.slower(ACCESS, later, None);
        (0..3).for_each(|_| pace.faster(ACCESS));
        let first = pace.place(ACCESS, later + LONGEST);
        let apart = pace.place(ACCESS, later + LONGEST).duration_since(first);
        pace.slower(WRITES, later, Some(LONGEST));
        assert_eq!(pace.place(WRITES, later), later + LONGEST);
        assert!(apart > documented(ACCESS) && apart < documented(ACCESS) * 5 / 4, "{apart:?}");
    }
}
