//! The signals with which people and systems end a program.

use anyhow::Result;

/// Ctrl-C and SIGTERM. From [`Stop::listen`] on neither ends the process by itself.
pub struct Stop {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Stop {
    /// # Errors
    /// If the system does not let anybody listen.
    pub fn listen() -> Result<Stop> {
        use anyhow::Context as _;
        use tokio::signal::unix::{SignalKind, signal};
        let listen = |kind| signal(kind).context("listening for signals");
        Ok(Stop { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    /// Until one of them comes.
    pub async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(not(unix))]
impl Stop {
    /// # Errors
    /// None.
    pub fn listen() -> Result<Stop> {
        Ok(Stop {})
    }

    /// Until somebody presses Ctrl-C.
    pub async fn wait(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            // Nobody can press it.
            std::future::pending::<()>().await;
        }
    }
}
