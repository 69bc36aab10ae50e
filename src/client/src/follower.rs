//! Being told what happens for as long as the program runs, whatever becomes
//! of the daemon meanwhile.

use std::{
    hash::{BuildHasher as _, RandomState},
    path::{Path, PathBuf},
    time::Duration,
};

use hats_proto::ipc::{self, Event, Filter, ResumePoint, Snapshot, Subscribe, error::Kind};
use tokio::time::{self, Instant};

use crate::{Client, Error, Subscription, Update, View, socket_path};

/// Waits between attempts to connect: from, doubling, to.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

/// Follows the events of a daemon: connects, and connects again, goes on where
/// it was, and keeps the state of the cluster.
///
/// ```no_run
/// use hats_client::{Follower, News};
///
/// # async fn follow() -> Result<(), hats_client::Error> {
/// let mut follower = Follower::new("example");
/// loop {
///     match follower.next().await? {
///         News::Event(event) => println!("{} {}", event.code, event.msg),
///         News::Gap(gap) => println!("{gap}"),
///         News::State => println!("{}", follower.view().map_or("", |it| &it.snapshot().overall)),
///         News::Away(error) => eprintln!("{error}; trying again"),
///     }
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct Follower {
    path: PathBuf,
    name: String,
    timeout: Duration,
    silence_max: Option<Duration>,
    subscribe: Subscribe,
    view: Option<View>,
    state: State,
    retry: Duration,
    /// To be told before anything else.
    waiting: Option<News>,
}

#[derive(Debug)]
enum State {
    /// To be connected at this time.
    Away(Instant),
    Here(Box<Here>),
}

/// A connection.
#[derive(Debug)]
struct Here {
    subscription: Subscription,
    /// Its first snapshot has come.
    is_known: bool,
    /// The next snapshot is that after a gap.
    is_after_gap: bool,
    /// The snapshot of a [`Follower::refresh`] is on its way.
    is_refreshing: bool,
}

/// What a [`Follower`] tells.
#[derive(Debug)]
pub enum News {
    /// One event. None is missing before it unless a [`Gap`] was told.
    Event(Box<Event>),
    /// Events are missing here.
    Gap(Gap),
    /// The state of the cluster is known, or another: see [`Follower::view`].
    State,
    /// The daemon went away, or is not there. The follower tries again and
    /// goes on where it was; the view stays as it was.
    Away(Error),
}

/// Events that this program does not get.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gap {
    /// How many are known to be missing; with a filter, before it is applied.
    pub count: u64,
    /// There may be others.
    pub more: bool,
    /// The run in which it goes on, and the number of the next event in it.
    pub epoch: u64,
    /// See `epoch`.
    pub next_seq: u64,
}

impl std::fmt::Display for Gap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.count, self.more) {
            (count, false) => write!(f, "{count} events are missing"),
            (0, true) => write!(f, "events may be missing"),
            (count, true) => write!(f, "at least {count} events are missing"),
        }
    }
}

impl Follower {
    /// Follows the daemon at [`socket_path`]. `name` is what `hats-status
    /// subscribers` shows.
    pub fn new(name: &str) -> Self {
        Follower {
            path: socket_path(None),
            name: name.to_owned(),
            timeout: Duration::from_secs(2),
            silence_max: None,
            subscribe: Subscribe { view: true, ..Subscribe::default() },
            view: None,
            state: State::Away(Instant::now()),
            retry: RETRY.0,
            waiting: None,
        }
    }

    /// Another socket.
    pub fn at(mut self, path: &Path) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    /// How long a daemon that is connected to may take to answer; else 2 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Only events that pass; the view is of everything.
    pub fn filter(mut self, filter: Filter) -> Self {
        self.subscribe.filter = Some(filter);
        self
    }

    /// Goes on after this event, which an earlier run of the program has
    /// remembered from [`resume_point`](Self::resume_point).
    pub fn resume(mut self, from: ResumePoint) -> Self {
        self.subscribe.from = Some(from);
        self
    }

    /// Begins with the kept events since then, in milliseconds since 1970.
    pub fn since(mut self, unix_ms: u64) -> Self {
        self.subscribe.since_unix_ms = Some(unix_ms);
        self
    }

    /// No view: events only.
    pub fn without_view(mut self) -> Self {
        self.subscribe.view = false;
        self
    }

    /// How long the daemon may be silent before it counts as gone; else
    /// [`SILENCE_MAX`](crate::SILENCE_MAX).
    pub fn silence_max(mut self, silence_max: Duration) -> Self {
        self.silence_max = Some(silence_max);
        self
    }

    /// The state of the cluster; nothing before it has been told, or without a
    /// view.
    pub fn view(&self) -> Option<&View> {
        self.view.as_ref()
    }

    /// Whether the daemon is being heard, so that the view is of now.
    pub fn is_here(&self) -> bool {
        matches!(self.state, State::Here(_))
    }

    /// After the last event that [`next`](Self::next) has given: a program that
    /// remembers this and [`resume`](Self::resume)s misses nothing.
    pub fn resume_point(&self) -> Option<ResumePoint> {
        self.subscribe.from
    }

    /// Asks for the view of now, with the ages and counters that are no change
    /// by themselves; it comes as [`News::State`]. Nothing happens without a
    /// view, while the daemon is away, or while one is on its way.
    pub async fn refresh(&mut self) {
        let State::Here(here) = &mut self.state else { return };
        if !self.subscribe.view || !here.is_known || here.is_refreshing {
            return;
        }
        // What is wrong with the connection is for the next news to tell.
        here.is_refreshing = here.subscription.ask_snapshot().await.is_ok();
    }

    /// The next thing to know. May be cancelled without loss.
    ///
    /// # Errors
    ///
    /// Only what trying again would not mend: [`Error::Version`],
    /// [`Error::RequestTooLong`], and [`Error::Daemon`] when the daemon refuses
    /// the filter. Everything else is [`News::Away`].
    pub async fn next(&mut self) -> Result<News, Error> {
        loop {
            if let Some(news) = self.waiting.take() {
                return Ok(news);
            }
            let here = match &mut self.state {
                State::Here(here) => here,
                State::Away(until) => {
                    time::sleep_until(*until).await;
                    match self.connect().await {
                        Ok(subscription) => {
                            let (is_known, is_after_gap, is_refreshing) = (false, false, false);
                            let here = Here { subscription, is_known, is_after_gap, is_refreshing };
                            self.state = State::Here(Box::new(here));
                            continue;
                        }
                        Err(error) => return self.away(error),
                    }
                }
            };
            let before = here.subscription.resume_point();
            let update = match here.subscription.next().await {
                Ok(update) => update,
                Err(error) => return self.away(error),
            };
            self.retry = RETRY.0;
            let update = match here.refreshed(update) {
                Ok(snapshot) => {
                    // Whether all events before it have come is for others to tell.
                    self.view = Some(View::new(*snapshot));
                    return Ok(News::State);
                }
                Err(update) => update,
            };
            let after = here.subscription.resume_point();
            let news = self.take(update, before);
            self.subscribe.from = after.or(self.subscribe.from);
            if let Some(news) = news {
                return Ok(news);
            }
        }
    }

    async fn connect(&self) -> Result<Subscription, Error> {
        let client = Client::connect(&self.path, &self.name, self.timeout).await?;
        let subscription = client.subscribe_as(self.subscribe.clone()).await?;
        Ok(match self.silence_max {
            Some(silence_max) => subscription.with_silence_max(silence_max),
            None => subscription,
        })
    }

    fn take(&mut self, update: Update, before: Option<ResumePoint>) -> Option<News> {
        match update {
            Update::Event(event) => Some(News::Event(event)),
            Update::Lost(lost) => (lost.count > 0 || lost.more).then_some({
                let ipc::Lost { count, more, epoch, next_seq } = lost;
                News::Gap(Gap { count, more, epoch, next_seq })
            }),
            Update::Snapshot(snapshot) => {
                let gap = self.gap_before(&snapshot, before);
                let mut state = None;
                if self.subscribe.view {
                    self.view = Some(View::new(*snapshot));
                    state = Some(News::State);
                }
                match gap {
                    Some(gap) => {
                        self.waiting = state;
                        Some(News::Gap(gap))
                    }
                    None => state,
                }
            }
            Update::Changes(changes) => {
                self.view.as_mut()?.apply(*changes);
                Some(News::State)
            }
            Update::KeepAlive(_) => None,
        }
    }

    /// A daemon without a journal may answer with a snapshot and no word.
    fn gap_before(&self, snapshot: &Snapshot, before: Option<ResumePoint>) -> Option<Gap> {
        let before = before?;
        let Snapshot { epoch, next_seq, .. } = *snapshot;
        let gap = |count, more| Gap { count, more, epoch, next_seq };
        if before.epoch != snapshot.epoch {
            return Some(gap(0, true));
        }
        let filter = self.subscribe.filter.as_ref();
        let is_filtered = filter.is_some_and(|filter| *filter != Filter::default());
        let count = snapshot.next_seq.saturating_sub(before.seq.saturating_add(1));
        (count > 0 && !is_filtered).then_some(gap(count, false))
    }

    fn away(&mut self, error: Error) -> Result<News, Error> {
        // Not all at once: a daemon may have a thousand subscribers.
        let random = RandomState::new().hash_one(0) % 1_000;
        let jitter = self.retry.mul_f64(random as f64 / 1_000.0);
        self.state = State::Away(Instant::now() + self.retry / 2 + jitter / 2);
        self.retry = (self.retry * 2).min(RETRY.1);
        let is_final = match &error {
            Error::Version { .. } | Error::RequestTooLong { .. } => true,
            Error::Daemon { kind, .. } => *kind == Kind::BadRequest,
            Error::NotThere { .. }
            | Error::Refused { .. }
            | Error::Permission { .. }
            | Error::Io { .. }
            | Error::Timeout { .. }
            | Error::Stale { .. }
            | Error::Closed
            | Error::Unfinished
            | Error::TooLong { .. }
            | Error::Malformed { .. } => false,
        };
        if is_final { Err(error) } else { Ok(News::Away(error)) }
    }
}

impl Here {
    /// The snapshot that a refresh asked for. One after a gap, and the first,
    /// come of themselves; the daemon answers in order.
    fn refreshed(&mut self, update: Update) -> Result<Box<Snapshot>, Update> {
        match update {
            Update::Snapshot(snapshot) => {
                let is_own = self.is_refreshing && !self.is_after_gap;
                (self.is_known, self.is_after_gap) = (true, false);
                if is_own {
                    self.is_refreshing = false;
                    return Ok(snapshot);
                }
                Err(Update::Snapshot(snapshot))
            }
            Update::Lost(lost) => {
                self.is_after_gap = self.is_known;
                Err(Update::Lost(lost))
            }
            other @ (Update::Event(_) | Update::Changes(_) | Update::KeepAlive(_)) => Err(other),
        }
    }
}
