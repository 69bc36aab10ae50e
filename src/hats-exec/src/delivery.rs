//! Queues and workers: each action has its own, so that one that hangs costs
//! the others nothing.

use std::{path::Path, sync::Arc, time::Duration};

use hats_catalogue::Catalogue;
use hats_client::ipc::Event;
use tokio::{
    sync::{Mutex, mpsc, watch},
    task::JoinSet,
    time,
};

use crate::{
    action::{Action, Effort, Failure},
    dead::DeadLetters,
    progress::{Progress, Ticket},
};

/// Pauses between attempts do not grow beyond this.
const PAUSE_MAX: Duration = Duration::from_secs(300);

/// What runs when hats-exec is told to end may take this long to finish.
const LAST_DEEDS_WAIT: Duration = Duration::from_secs(3);

/// All actions at work.
#[derive(Debug)]
pub(crate) struct Deliveries {
    lines: Vec<Line>,
    catalogue: Catalogue,
    progress: Progress,
    workers: JoinSet<()>,
    ending: watch::Sender<bool>,
}

/// The way to one action.
#[derive(Debug)]
struct Line {
    desk: Arc<Desk>,
    queue: mpsc::Sender<Job>,
}

/// What the workers of one action share.
#[derive(Debug)]
struct Desk {
    action: Action,
    dead: DeadLetters,
}

#[derive(Debug)]
struct Job {
    event: Arc<Event>,
    ticket: Ticket,
}

impl Deliveries {
    /// Starts the workers of every action.
    pub(crate) fn start(actions: Vec<Action>, state_dir: &Path, progress: &Progress) -> Self {
        let (ending, _) = watch::channel(false);
        let mut workers = JoinSet::new();
        let lines = actions
            .into_iter()
            .map(|action| {
                let dead = DeadLetters::of(&action.name, state_dir);
                let Effort { concurrency, queue, .. } = action.effort;
                let desk = Arc::new(Desk { action, dead });
                let (queue, jobs) = mpsc::channel(queue);
                let jobs = Arc::new(Mutex::new(jobs));
                for _ in 0..concurrency {
                    workers.spawn(work(desk.clone(), jobs.clone(), ending.subscribe()));
                }
                Line { desk, queue }
            })
            .collect();
        workers.spawn(progress.clone().keep_saved());
        let catalogue = Catalogue::built_in();
        Deliveries { lines, catalogue, progress: progress.clone(), workers, ending }
    }

    /// Queues the event for every action that it matches. Never waits: what
    /// finds its queue full is a dead letter.
    pub(crate) fn hand_over(&self, event: &Event) {
        let shared = Arc::new(event.clone());
        for Line { desk, queue } in &self.lines {
            if !desk.action.matcher.matches(event, &self.catalogue) {
                continue;
            }
            let job = Job { event: shared.clone(), ticket: self.progress.begin(event) };
            if let Err(refused) = queue.try_send(job) {
                let waiting = desk.action.effort.queue;
                desk.dead.bury(event, 0, &format!("{waiting} events were waiting already"));
                refused.into_inner().ticket.done();
            }
        }
    }

    /// Lets what is under way finish, for a while. What waits is left to the
    /// next run.
    pub(crate) async fn finish(mut self) {
        self.ending.send_replace(true);
        let ended = async {
            // The one that keeps the progress saved never ends.
            while self.workers.len() > 1 {
                self.workers.join_next().await;
            }
        };
        drop(time::timeout(LAST_DEEDS_WAIT, ended).await);
        self.workers.shutdown().await;
        self.progress.save();
    }
}

async fn work(
    desk: Arc<Desk>,
    jobs: Arc<Mutex<mpsc::Receiver<Job>>>,
    mut ending: watch::Receiver<bool>,
) {
    loop {
        let next = async { jobs.lock().await.recv().await };
        let job = tokio::select! {
            biased;
            _ = ending.wait_for(|it| *it) => return,
            job = next => job,
        };
        let Some(Job { event, ticket }) = job else { return };
        match deliver(&desk.action, &event, &mut ending).await {
            Outcome::Delivered => ticket.done(),
            Outcome::GivenUp { attempts, why } => {
                desk.dead.bury(&event, attempts, &why);
                ticket.done();
            }
            Outcome::Interrupted => return,
        }
    }
}

/// What became of an event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    /// The action did what it had to.
    Delivered,
    /// It did not, and will not be tried again.
    GivenUp { attempts: u32, why: String },
    /// hats-exec ends between two attempts.
    Interrupted,
}

/// Tries until it goes well, with pauses that double.
pub(crate) async fn deliver(
    action: &Action,
    event: &Event,
    ending: &mut watch::Receiver<bool>,
) -> Outcome {
    let mut pause = action.effort.pause;
    let mut attempts = 1;
    loop {
        match action.attempt(event, attempts).await {
            Ok(()) => return Outcome::Delivered,
            Err(Failure::Never(why)) => return Outcome::GivenUp { attempts, why },
            Err(Failure::Again(why)) if attempts > action.effort.retries => {
                return Outcome::GivenUp { attempts, why };
            }
            Err(Failure::Again(why)) => tracing::warn!(
                "{}: {} {}: attempt {attempts}: {why}",
                action.name,
                event.code,
                event.msg
            ),
        }
        tokio::select! {
            () = time::sleep(pause) => {}
            _ = ending.wait_for(|it| *it) => return Outcome::Interrupted,
        }
        pause = (pause * 2).min(PAUSE_MAX);
        attempts += 1;
    }
}
