//! [`Event`]: the only language in which work speaks of itself while it runs.

use std::fmt;
use std::sync::Arc;

use super::{Address, Coverage};

/// What work says of itself. Terminal, JSON lines and journal are listeners of the same stream.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A kind is being read.
    Reading {
        /// The kind's name.
        kind: &'static str,
        /// Objects so far.
        objects: usize,
    },
    /// A kind has been read.
    Read {
        /// The kind's name.
        kind: &'static str,
        /// What people call several of them.
        title: &'static str,
        /// Objects in all.
        objects: usize,
        /// How completely.
        coverage: Coverage,
        /// What is missing and why, for people.
        note: Option<String>,
    },
    /// A request is waiting because Graph asked for it.
    Waiting {
        /// Seconds.
        seconds: f64,
        /// What Graph answered.
        reason: String,
    },
    /// A step of a plan has begun.
    StepStarted {
        /// Step number, from 1.
        number: usize,
        /// Of how many.
        of: usize,
        /// The object.
        address: Address,
        /// What is done, as in `create group "Remote workers"`.
        title: String,
    },
    /// A step of a plan has ended.
    StepEnded {
        /// Step number, from 1.
        number: usize,
        /// Of how many.
        of: usize,
        /// What was done.
        title: String,
        /// `None` if it went well, else the reason.
        error: Option<String>,
    },
    /// A sentence for people.
    Note(String),
    /// A sentence that people should not miss.
    Warning(String),
}

/// Where events go.
#[derive(Clone)]
pub struct Events(Arc<dyn Fn(Event) + Send + Sync>);

impl Events {
    /// Sends every event to `listener`.
    pub fn new(listener: impl Fn(Event) + Send + Sync + 'static) -> Self {
        Events(Arc::new(listener))
    }

    /// Sends events nowhere.
    pub fn silent() -> Self {
        Events::new(|_| {})
    }

    /// The same listener, without the lines that say how many objects of a complete kind were read: for work that reads on
    /// the way to something else.
    pub fn briefly(&self) -> Events {
        let listener = self.clone();
        Events::new(move |event| match event {
            Event::Read { coverage, .. } if coverage.is_complete() => {}
            event => listener.emit(event),
        })
    }

    /// Says it.
    pub fn emit(&self, event: Event) {
        (self.0)(event);
    }

    /// Says a sentence.
    pub fn note(&self, text: impl Into<String>) {
        self.emit(Event::Note(text.into()));
    }

    /// Says a sentence that people should not miss.
    pub fn warn(&self, text: impl Into<String>) {
        self.emit(Event::Warning(text.into()));
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Events")
    }
}
