//! Where to go on after a restart.
//!
//! The point that is kept on disk is before the first event that is not
//! finished, so that what was waiting is delivered by the next run. Some are
//! delivered twice then; none is forgotten.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hats_client::ipc::{Event, ResumePoint};
use tokio::time;

/// How far what is on disk may lag.
const SAVE_EVERY: Duration = Duration::from_secs(1);

/// Shared by those who begin and those who finish.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    path: PathBuf,
    state: Arc<Mutex<State>>,
}

#[derive(Default, Debug)]
struct State {
    /// After the last event that was handed over.
    seen: Option<ResumePoint>,
    /// Before each event that is not finished, in the order they came. Bounded
    /// by the queues of the actions.
    unfinished: BTreeMap<u64, ResumePoint>,
    next: u64,
    /// What is on disk.
    saved: Option<ResumePoint>,
}

/// One action's work on one event. Dropped without [`done`](Self::done) it
/// stays unfinished.
#[derive(Debug)]
pub(crate) struct Ticket {
    number: u64,
    progress: Progress,
}

impl Progress {
    /// Reads what the run before has left in the directory, which is made if it
    /// is not there.
    pub(crate) fn open(directory: &Path) -> Result<Self, String> {
        let named = |error: io::Error| format!("{}: {error}", directory.display());
        fs::create_dir_all(directory).map_err(named)?;
        let path = directory.join("resume");
        let saved = match fs::read_to_string(&path) {
            Ok(text) => parse(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(named(error)),
        };
        let state = State { seen: saved, saved, ..State::default() };
        Ok(Progress { path, state: Arc::new(Mutex::new(state)) })
    }

    /// The event after which to go on; none in the first run.
    pub(crate) fn resume_point(&self) -> Option<ResumePoint> {
        self.lock().resume_point()
    }

    /// The daemon is here, and nothing was remembered: what happens after this
    /// point is delivered, by this run or by the next.
    pub(crate) fn begin_at(&self, point: ResumePoint) {
        self.lock().seen.get_or_insert(point);
        self.save();
    }

    /// Work on the event begins.
    pub(crate) fn begin(&self, event: &Event) -> Ticket {
        let mut state = self.lock();
        let number = state.next;
        state.next += 1;
        let before = ResumePoint { epoch: event.epoch, seq: event.seq.saturating_sub(1) };
        state.unfinished.insert(number, before);
        Ticket { number, progress: self.clone() }
    }

    /// The event was handed to every action that it matches.
    pub(crate) fn saw(&self, event: &Event) {
        self.lock().seen = Some(ResumePoint { epoch: event.epoch, seq: event.seq });
    }

    /// Keeps what is on disk up to date, for ever.
    pub(crate) async fn keep_saved(self) {
        loop {
            time::sleep(SAVE_EVERY).await;
            self.save();
        }
    }

    /// Writes the point to disk if it has changed.
    pub(crate) fn save(&self) {
        let mut state = self.lock();
        let point = state.resume_point();
        let Some(ResumePoint { epoch, seq }) = point.filter(|_| point != state.saved) else {
            return;
        };
        // In one piece, so that no end of this process leaves half of it.
        let fresh = self.path.with_extension("new");
        let written = fs::write(&fresh, format!("{epoch} {seq}\n"));
        match written.and_then(|()| fs::rename(&fresh, &self.path)) {
            Ok(()) => state.saved = point,
            Err(error) => tracing::warn!("{}: {error}", self.path.display()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn resume_point(&self) -> Option<ResumePoint> {
        self.unfinished.first_key_value().map(|(_, before)| *before).or(self.seen)
    }
}

impl Ticket {
    /// The event was delivered, or is a dead letter.
    pub(crate) fn done(self) {
        self.progress.lock().unfinished.remove(&self.number);
    }
}

/// A damaged file is as good as none: events begin with the next one.
fn parse(text: &str) -> Option<ResumePoint> {
    let (epoch, seq) = text.trim().split_once(' ')?;
    Some(ResumePoint { epoch: epoch.parse().ok()?, seq: seq.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(epoch: u64, seq: u64) -> Event {
        Event { epoch, seq, ..Event::default() }
    }

    fn point(epoch: u64, seq: u64) -> Option<ResumePoint> {
        Some(ResumePoint { epoch, seq })
    }

    #[test]
    fn the_next_run_goes_on_before_the_first_event_that_is_not_finished() {
        let directory = tempfile::tempdir().unwrap();
        let progress = Progress::open(directory.path()).unwrap();
        assert_eq!(progress.resume_point(), None);
        let first = progress.begin(&event(7, 1));
        progress.saw(&event(7, 1));
        let second = progress.begin(&event(7, 2));
        progress.saw(&event(7, 2));
        second.done();
        progress.save();
        assert_eq!(Progress::open(directory.path()).unwrap().resume_point(), point(7, 0));
        first.done();
        progress.save();
        assert_eq!(Progress::open(directory.path()).unwrap().resume_point(), point(7, 2));
    }

    #[test]
    fn an_event_of_a_later_run_of_the_daemon_does_not_overtake_an_unfinished_one() {
        let directory = tempfile::tempdir().unwrap();
        let progress = Progress::open(directory.path()).unwrap();
        let old = progress.begin(&event(9, 5));
        drop(progress.begin(&event(8, 1)));
        progress.saw(&event(8, 1));
        assert_eq!(progress.resume_point(), point(9, 4));
        old.done();
        assert_eq!(progress.resume_point(), point(8, 0), "dropped work is not done");
    }

    #[test]
    fn a_damaged_file_is_as_good_as_none() {
        for text in ["", "7", "7 x", "-1 2", "7 1 2"] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(parse("18446744073709551615 3\n"), point(u64::MAX, 3));
    }
}
