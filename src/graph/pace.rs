//! How fast a workload may be asked that throttles without saying for how long.
//!
//! Conditional Access takes "1 request per second per tenant" for all applications together, and its 429 carries no
//! `Retry-After`: <https://learn.microsoft.com/graph/throttling-limits#identity-protection-and-conditional-access-service-limits>.
//! Workers that each back off on their own would come back together, and be refused together. Here they queue: one request at
//! a time leaves, further apart after each refusal, closer after each answer.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Where a queue starts, and how far apart and how close requests may come.
const FIRST: Duration = Duration::from_millis(1_020);
const LONGEST: Duration = Duration::from_secs(10);
const SHORTEST: Duration = Duration::from_millis(100);

#[derive(Debug)]
struct Queue {
    next: Instant,
    apart: Duration,
    slowed: Instant,
}

/// The queues, by workload. A workload that never refused anything has none.
#[derive(Debug, Default)]
pub(super) struct Pace(Mutex<HashMap<String, Queue>>);

impl Pace {
    fn queues(&self) -> MutexGuard<'_, HashMap<String, Queue>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the next request may leave; its place is taken.
    pub(super) fn place(&self, workload: &str, now: Instant) -> Instant {
        let mut queues = self.queues();
        let Some(queue) = queues.get_mut(workload) else { return now };
        let at = queue.next.max(now);
        queue.next = at + queue.apart;
        at
    }

    /// A request was refused. Those that were under way at the same time count once.
    pub(super) fn slower(&self, workload: &str, now: Instant) {
        let mut queues = self.queues();
        match queues.get_mut(workload) {
            Some(queue) if now < queue.slowed + queue.apart * 4 => {}
            Some(queue) => {
                queue.apart = queue.apart.mul_f64(1.25).clamp(FIRST, LONGEST);
                queue.slowed = now;
                queue.next = queue.next.max(now + queue.apart);
            }
            None => {
                queues.insert(workload.to_owned(), Queue { next: now + FIRST * 2, apart: FIRST, slowed: now });
            }
        }
    }

    /// A request was answered.
    pub(super) fn faster(&self, workload: &str) {
        let mut queues = self.queues();
        if let Some(queue) = queues.get_mut(workload) {
            // Slowly down to the documented pace, slower still below it.
            queue.apart = queue.apart.mul_f64(if queue.apart > FIRST { 0.97 } else { 0.998 }).max(SHORTEST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_refused_queues() {
        let (pace, start) = (Pace::default(), Instant::now());
        assert_eq!(pace.place("identity", start), start);
        for _ in 0..20 {
            pace.slower("identity", start);
        }
        let places: Vec<u128> =
            (0..3).map(|_| pace.place("identity", start).duration_since(start).as_millis()).collect();
        assert_eq!(places, [2_040, 3_060, 4_080]);
        assert_eq!(pace.place("users", start), start);
        let later = start + Duration::from_secs(20);
        pace.slower("identity", later);
        (0..3).for_each(|_| pace.faster("identity"));
        let first = pace.place("identity", later + LONGEST);
        let apart = pace.place("identity", later + LONGEST).duration_since(first);
        assert!(apart > FIRST && apart < FIRST * 5 / 4, "{apart:?}");
    }
}
