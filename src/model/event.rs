//! [`Event`]: a progress report of work in progress. All work reports its progress through it alone.

use std::fmt;
use std::sync::Arc;

use super::{Address, Coverage};

/// Reports progress of work. Terminal, JSON lines and journal are listeners of the same stream.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A kind is being read.
    Reading {
        /// Name of the kind.
        kind: &'static str,
        /// Number of objects so far.
        objects: usize,
    },
    /// A kind has been read.
    Read {
        /// Name of the kind.
        kind: &'static str,
        /// Plural noun for objects of the kind.
        title: &'static str,
        /// Number of objects in all.
        objects: usize,
        /// Coverage of the kind.
        coverage: Coverage,
        /// Note on what is missing and why, for people.
        note: Option<String>,
    },
    /// A request is waiting because Graph asked for it.
    Waiting {
        /// Length of the wait in seconds.
        seconds: f64,
        /// Answer of Graph.
        reason: String,
    },
    /// A step of a plan has begun.
    StepStarted {
        /// Step number, from 1.
        number: usize,
        /// Number of steps in all.
        of: usize,
        /// Address of the object.
        address: Address,
        /// Title of the step, as in `create group "Remote workers"`.
        title: String,
    },
    /// A step of a plan has ended.
    StepEnded {
        /// Step number, from 1.
        number: usize,
        /// Number of steps in all.
        of: usize,
        /// Title of the step.
        title: String,
        /// Reason of the failure; `None` if the step succeeded.
        error: Option<String>,
    },
    /// A sentence for people.
    Note(String),
    /// A sentence that people should not miss.
    Warning(String),
}

/// Passes events to a listener.
#[derive(Clone)]
pub struct Events(Arc<dyn Fn(Event) + Send + Sync>);

impl Events {
    /// Creates a stream that passes every event to `listener`.
    pub fn new(listener: impl Fn(Event) + Send + Sync + 'static) -> Self {
        Events(Arc::new(listener))
    }

    /// Creates a stream that discards every event.
    pub fn silent() -> Self {
        Events::new(|_| {})
    }

    /// Returns a stream to the same listener, without the lines that say how many objects of a complete kind were read: for
    /// work that reads only as a part of something else.
    pub fn briefly(&self) -> Events {
        let listener = self.clone();
        Events::new(move |event| match event {
            Event::Read { coverage, .. } if coverage.is_complete() => {}
            event => listener.emit(event),
        })
    }

    /// Passes an event to the listener.
    pub fn emit(&self, event: Event) {
        (self.0)(event);
    }

    /// Reports a sentence for people.
    pub fn note(&self, text: impl Into<String>) {
        self.emit(Event::Note(text.into()));
    }

    /// Reports a sentence that people should not miss.
    pub fn warn(&self, text: impl Into<String>) {
        self.emit(Event::Warning(text.into()));
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Events")
    }
}
