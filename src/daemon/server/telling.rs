//! Telling: what becomes of changes of verdict, and of queries, besides answers.
//!
//! Owns the list of the last changes, who is told of them, the log of queries and the numbers of the last hour. None of them is
//! ever waited for.

use std::path::{Path, PathBuf};

use super::super::changes::Changes;
use super::super::last_hour::LastHour;
use super::transitions::FirstVerdicts;
use super::webhook::Webhook;
use crate::answer::BoundPool;
use crate::config::{self, Config};
use crate::control::QueryLog;
use crate::health::Transition;
use crate::transport::Taps;
use crate::zones::host_name;

/// What is told, and to whom.
pub(super) struct Telling {
    pub(super) first_verdicts: FirstVerdicts,
    /// The last changes of verdict.
    pub(super) changes: Changes,
    /// Who is told of changes of verdict.
    pub(super) webhook: Webhook,
    /// Where queries are logged, and how that was told.
    query_log: Option<(config::QueryLog, QueryLog)>,
    /// What counters rose by in the last hour.
    pub(super) last_hour: LastHour,
}

impl Telling {
    /// Knows the changes that were kept in the folder; nobody is told anything yet.
    pub(super) fn load(folder: Option<&Path>) -> Telling {
        Telling {
            first_verdicts: FirstVerdicts::default(),
            changes: Changes::load(folder),
            webhook: Webhook::default(),
            query_log: None,
            last_hour: LastHour::default(),
        }
    }

    /// Tells whom the config names now; who is told as before goes on being told.
    pub(super) fn follow(&mut self, config: &Config, taps: &Taps) {
        self.webhook.follow(config.webhook.as_ref());
        let settings = config.query_log.as_ref();
        if self.query_log.as_ref().map(|(settings, _)| settings) == settings {
            return;
        }
        let before = self.query_log.take();
        self.query_log = settings.map(|settings| {
            let log = QueryLog::start(
                settings.socket.clone(),
                settings.format,
                host_name(),
                taps.log(settings.every),
            );
            (settings.clone(), log)
        });
        // The log that begins has ended the trace of that before it, whose rest is written beside it.
        if let Some((_, before)) = before {
            tokio::spawn(before.stop());
        }
    }

    /// Takes in a change of verdict, and the pools that it matters to.
    pub(super) fn note(&mut self, transition: &Transition, pools: &[&BoundPool]) {
        if let Some(change) = self.changes.note(transition, pools) {
            self.webhook.tell(change);
        }
    }

    /// The log of queries, if there is one.
    pub(super) fn query_log(&self) -> Option<&QueryLog> {
        self.query_log.as_ref().map(|(_, log)| log)
    }

    /// Tells and writes what waits, as far as that goes at once.
    pub(super) async fn stop(self, folder: Option<PathBuf>) {
        if let Some((_, log)) = self.query_log {
            log.stop().await;
        }
        self.webhook.stop().await;
        self.changes.stop(folder).await;
    }
}
