//! Events from the daemon, for as long as the program runs.

use std::{path::PathBuf, time::Duration};

use hats_client::{
    Client, Error, Subscription, Update,
    ipc::{Event, Filter, ResumePoint},
};
use tokio::time;

/// What `hats-status subscribers` shows.
const NAME: &str = "hats-exec";

/// How long a request may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The pause before connecting again.
const PAUSE: Duration = Duration::from_secs(1);

/// A subscription that is made anew whenever it ends.
#[derive(Debug)]
pub(crate) struct Source {
    socket: PathBuf,
    from: Option<ResumePoint>,
    subscription: Option<Subscription>,
    /// It was said that the daemon is away.
    away_is_told: bool,
}

/// What there is to know.
#[derive(Debug)]
pub(crate) enum News {
    /// One event.
    Event(Box<Event>),
    /// So many events are missing here.
    Missed(String),
    /// The daemon is not there; it is waited for.
    Away(Error),
    /// It is again.
    Back,
}

impl Source {
    /// Goes on after `from`.
    pub(crate) fn new(socket: PathBuf, from: Option<ResumePoint>) -> Self {
        Source { socket, from, subscription: None, away_is_told: false }
    }

    /// The next thing to know. May be cancelled without loss. Fails where
    /// trying again would not help.
    pub(crate) async fn next(&mut self) -> Result<News, String> {
        loop {
            let Some(subscription) = &mut self.subscription else {
                if let Some(news) = self.connect().await? {
                    return Ok(news);
                }
                continue;
            };
            match subscription.next().await {
                Ok(Update::Event(event)) => {
                    self.from = subscription.resume_point();
                    return Ok(News::Event(event));
                }
                Ok(Update::Snapshot(snapshot)) => {
                    let next = ResumePoint {
                        epoch: snapshot.epoch,
                        seq: snapshot.next_seq.saturating_sub(1),
                    };
                    if let Some(from) = self.from.replace(next).filter(|from| *from != next) {
                        return Ok(News::Missed(between(from, next)));
                    }
                }
                Ok(Update::Lost(lost)) => {
                    self.from = subscription.resume_point();
                    // Else only the numbers go on with another run.
                    if lost.count > 0 || lost.more {
                        let least = if lost.more { "at least " } else { "" };
                        return Ok(News::Missed(format!("{least}{} events", lost.count)));
                    }
                }
                Ok(Update::KeepAlive(_) | Update::Changes(_)) => {}
                Err(error) => return Ok(self.lost(error)),
            }
        }
    }

    async fn connect(&mut self) -> Result<Option<News>, String> {
        let connect = async {
            let client = Client::connect(&self.socket, NAME, TIMEOUT).await?;
            client.subscribe(Filter::default(), self.from).await
        };
        match connect.await {
            Ok(subscription) => {
                self.subscription = Some(subscription);
                self.away_is_told = false;
                Ok(Some(News::Back))
            }
            Err(error @ Error::Version { .. }) => Err(error.to_string()),
            Err(error) if self.away_is_told => {
                drop(error);
                time::sleep(PAUSE).await;
                Ok(None)
            }
            Err(error) => Ok(Some(self.lost(error))),
        }
    }

    fn lost(&mut self, error: Error) -> News {
        self.subscription = None;
        self.away_is_told = true;
        News::Away(error)
    }
}

/// How much is missing, as far as it is known.
fn between(from: ResumePoint, next: ResumePoint) -> String {
    if from.epoch == next.epoch {
        format!("{} events", next.seq.saturating_sub(from.seq))
    } else {
        format!("events of another run of the daemon, and {} of this one,", next.seq)
    }
}
