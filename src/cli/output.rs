//! Where output goes: data to stdout, talk to stderr, colours only on terminals.

use std::io::{IsTerminal as _, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::engine::render::{Style, safe};
use crate::model::{Coverage, Event, Events};

/// Use of colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Format of a plan, or of what a drill found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TextFormat {
    /// For the terminal.
    Text,
    /// For a pull request, or a file that somebody keeps.
    Markdown,
    /// For scripts.
    Json,
}

/// Talks to the person who started the program.
#[derive(Clone)]
pub struct Output {
    /// Colours on stdout.
    pub style: Style,
    /// Colours on stderr.
    #[cfg(feature = "emulator")]
    talk: Style,
    quiet: bool,
    bar: Arc<Mutex<Option<ProgressBar>>>,
    interactive: bool,
}

impl Output {
    /// Decides on colours: `NO_COLOR` and pipes turn them off.
    pub fn new(color: Color, quiet: bool) -> Output {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let on = |terminal: bool| match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && !plain,
        };
        let interactive = std::io::stderr().is_terminal();
        Output {
            style: Style { color: on(std::io::stdout().is_terminal()) },
            #[cfg(feature = "emulator")]
            talk: Style { color: on(interactive) },
            quiet,
            bar: Arc::new(Mutex::new(None)),
            interactive,
        }
    }

    /// Data, to stdout. A reader that went away (`| head`) is no error.
    pub fn data(&self, text: &str) {
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    /// A file, to stdout: byte for byte, except that on a terminal nothing in it can do harm.
    pub fn file(&self, bytes: &[u8]) {
        if std::io::stdout().is_terminal() {
            let text = String::from_utf8_lossy(bytes);
            return text.lines().for_each(|line| self.data(&format!("{}\n", safe(line))));
        }
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(bytes).and_then(|()| out.flush());
    }

    /// Talk, to stderr, however quiet.
    pub fn say(&self, text: &str) {
        let print = || {
            let mut err = std::io::stderr().lock();
            let _ = writeln!(err, "{text}");
        };
        match self.bar.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Things in a row, to stderr, as many to a line as fit.
    pub fn talk_list(&self, things: impl IntoIterator<Item = String>) {
        let mut lines = vec![String::new()];
        for thing in things {
            let line = lines.last_mut().filter(|line| line.chars().count() + thing.chars().count() < 98);
            match line {
                Some(line) if line.is_empty() => *line = thing,
                Some(line) => *line = format!("{line}, {thing}"),
                None => {
                    lines.iter_mut().last().into_iter().for_each(|line| line.push(','));
                    lines.push(thing);
                }
            }
        }
        lines.iter().filter(|line| !line.is_empty()).for_each(|line| self.talk(&format!("  {line}")));
    }

    /// Talk, to stderr, unless told to be quiet.
    pub fn talk(&self, text: &str) {
        if !self.quiet {
            self.say(text);
        }
    }

    /// A listener that shows events here.
    pub fn events(&self) -> Events {
        let output = self.clone();
        Events::new(move |event| output.show(event))
    }

    fn show(&self, event: Event) {
        match event {
            Event::Reading { kind, objects } => self.progress(&format!("reading {kind}: {objects}")),
            // What was read well is counted together at the end.
            Event::Read { coverage: Coverage::Complete, note: None, .. } => {}
            Event::Read { title, objects, coverage, note, .. } => {
                self.progress("");
                let note = note.map(|note| format!(": {}", safe(&note))).unwrap_or_default();
                match coverage {
                    // It was to be expected.
                    Coverage::Skipped => self.talk(&format!("skipped {title}{note}")),
                    Coverage::Complete => self.say(&format!("{title}{note}")),
                    other => self.say(&format!("{}: {title} ({objects} read){note}", other.as_str())),
                }
            }
            Event::Waiting { seconds, reason } => {
                let text = format!("waiting {seconds:.0} s: {}", safe(&reason));
                if self.interactive {
                    self.progress(&text)
                } else if seconds >= 5.0 {
                    self.talk(&text)
                }
            }
            Event::StepStarted { number, of, title, .. } => self.progress(&format!("[{number}/{of}] {title}")),
            Event::StepEnded { number, of, title, error } => match error {
                None => self.talk(&format!("[{number}/{of}] {title}")),
                Some(error) => self.say(&format!("[{number}/{of}] {title}: FAILED: {}", safe(&error))),
            },
            Event::Note(text) => self.talk(&safe(&text)),
            Event::Warning(text) => self.say(&format!("warning: {}", safe(&text))),
        }
    }

    /// A line that is overwritten; only on a terminal, and only for work that takes a while.
    fn progress(&self, text: &str) {
        if !self.interactive || self.quiet {
            return;
        }
        let mut bar = self.bar.lock().unwrap_or_else(PoisonError::into_inner);
        if text.is_empty() {
            if let Some(bar) = bar.take() {
                bar.finish_and_clear();
            }
            return;
        }
        let bar = bar.get_or_insert_with(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
            if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg} {elapsed}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(250));
            bar
        });
        bar.set_message(text.to_owned());
    }

    /// Ends a progress line.
    pub fn clear(&self) {
        self.progress("");
    }

    /// Asks a yes-or-no question on the terminal; no terminal means no.
    pub fn confirm(&self, question: &str) -> bool {
        if !std::io::stdin().is_terminal() {
            return false;
        }
        self.clear();
        let mut err = std::io::stderr().lock();
        let _ = write!(err, "{question} [y/N] ").and_then(|()| err.flush());
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer).is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
    }

    /// A heading for a person who follows along.
    #[cfg(feature = "emulator")]
    pub fn heading(&self, text: &str) {
        let line = if self.talk.color { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_owned() };
        self.say(&format!("\n{line}"));
    }
}

/// `1.2 s`, `340 ms`.
pub fn elapsed(since: Instant) -> String {
    let time = since.elapsed();
    if time < Duration::from_secs(1) {
        format!("{} ms", time.as_millis())
    } else {
        format!("{:.1} s", time.as_secs_f64())
    }
}
