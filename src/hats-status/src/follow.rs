//! `hats-status events`: what the daemon tells, as it tells it.

use std::{path::Path, time::Duration};

use hats_client::{
    Client, Error, PastUpdate, Subscription, Update,
    ipc::{Event, Filter, GetEvents, Lost, ResumePoint, Snapshot, Subscribe},
};
use tokio::time;

use crate::{
    cli::{Cli, Events, Format, Text},
    failure::{Exit, Failure},
    order, output,
    select::{Selection, StateOf},
    show,
};

/// Between two attempts to reach a daemon that went away.
const RECONNECT: Duration = Duration::from_millis(200);

/// Prints events until interrupted, or those the daemon still has.
pub(crate) async fn run(events: &Events, cli: &Cli, socket: &Path) -> Result<Exit, Failure> {
    let timeout = cli.timeout;
    let Some(format) = cli.output.unwrap_or(Format::Table).text() else {
        let text = "events are a stream: expected -o table, wide, json, jsonl or line";
        return Err(Failure::Usage(text.into()));
    };
    let mut follower = Follower { events, select: &cli.select, format, last: None };
    if !events.follow {
        follower.history(Client::connect(socket, "hats-status", timeout).await?).await?;
        return Ok(Exit::Ok);
    }
    let mut said = String::new();
    let mut was_connected = false;
    loop {
        let failure = match Client::connect(socket, "hats-status", timeout).await {
            Ok(client) => {
                was_connected = true;
                said.clear();
                follower.session(client).await
            }
            Err(error) => error.into(),
        };
        if !events.reconnect || !may_pass(&failure, was_connected) {
            return Err(failure);
        }
        let text = failure.to_string();
        if text != said {
            output::note(&format!("{text}; trying again"));
            said = text;
        }
        if output::reader_has_gone() {
            return Err(Failure::OutputClosed);
        }
        time::sleep(RECONNECT).await;
    }
}

/// Whether waiting may help. A daemon that is just starting has its socket
/// before the socket has its group.
fn may_pass(failure: &Failure, was_connected: bool) -> bool {
    match failure {
        Failure::Daemon(Error::Version { .. }) => false,
        Failure::Daemon(Error::Permission { .. }) => was_connected,
        Failure::Daemon(_) => true,
        Failure::Usage(_)
        | Failure::NotTold(_)
        | Failure::OutputClosed
        | Failure::Output(_)
        | Failure::Start(_) => false,
    }
}

/// While nothing happens, how often it is looked whether anyone still reads.
const READER_CHECK: Duration = Duration::from_secs(1);

struct Follower<'a> {
    events: &'a Events,
    select: &'a Selection,
    format: Text,
    /// The last event seen, over all connections.
    last: Option<ResumePoint>,
}

impl Follower<'_> {
    /// Prints what comes on one connection until it ends, and says why it did.
    async fn session(&mut self, client: Client) -> Failure {
        let subscribe = Subscribe {
            filter: Some(self.filter()),
            from: self.last,
            since_unix_ms: self.since_unix_ms(),
            view: false,
        };
        let subscription = match client.subscribe_as(subscribe).await {
            Ok(subscription) => subscription,
            Err(error) => return error.into(),
        };
        match self.stream(subscription).await {
            Ok(never) => match never {},
            Err(failure) => failure,
        }
    }

    async fn stream(
        &mut self,
        mut subscription: Subscription,
    ) -> Result<std::convert::Infallible, Failure> {
        loop {
            let Ok(update) = time::timeout(READER_CHECK, subscription.next()).await else {
                if output::reader_has_gone() {
                    return Err(Failure::OutputClosed);
                }
                continue;
            };
            match update? {
                Update::Event(event) => self.event(&event)?,
                Update::Lost(lost) => self.lost(&lost)?,
                Update::Snapshot(snapshot) => self.snapshot(*snapshot)?,
                Update::KeepAlive(_) | Update::Changes(_) => {}
            }
            self.last = subscription.resume_point().or(self.last);
        }
    }

    /// Prints the events that the daemon still has, and ends.
    async fn history(&mut self, mut client: Client) -> Result<(), Failure> {
        let (filter, since_unix_ms) = (Some(self.filter()), self.since_unix_ms());
        let mut past = client.events(GetEvents { filter, from: None, since_unix_ms }).await?;
        loop {
            match past.next().await? {
                PastUpdate::Event(event) => self.event(&event)?,
                PastUpdate::Lost(lost) => self.lost(&lost)?,
                PastUpdate::End(_) => return Ok(()),
            }
        }
    }

    fn filter(&self) -> Filter {
        let Selection { network, node, .. } = self.select;
        let codes = self.events.code.clone();
        Filter { codes, networks: network.clone(), nodes: node.clone(), ..Filter::default() }
    }

    fn since_unix_ms(&self) -> Option<u64> {
        let since = self.events.since?.as_millisecond();
        Some(u64::try_from(since).unwrap_or(0))
    }

    /// Nothing may be missing: then only the numbers go on with another run.
    fn lost(&self, lost: &Lost) -> Result<(), Failure> {
        if lost.count == 0 && !lost.more {
            return Ok(());
        }
        let count = (!lost.more).then_some(lost.count);
        self.gap(count, lost.epoch, lost.next_seq)
    }

    fn event(&self, event: &Event) -> Result<(), Failure> {
        if !wanted(self.events, event) || !self.select.wants(event) {
            return Ok(());
        }
        let text = match self.format {
            Text::Table => show::event::text(event, false),
            Text::Wide => show::event::text(event, true),
            Text::Json | Text::Jsonl => hats_client::to_json(event),
            Text::Line => show::event::line(event),
        };
        output::write(&(text + "\n"))
    }

    fn snapshot(&self, mut snapshot: Snapshot) -> Result<(), Failure> {
        match self.last {
            Some(last) if last.epoch != snapshot.epoch => {
                self.gap(None, snapshot.epoch, snapshot.next_seq)?;
            }
            // With a filter the numbers of what did not pass are not seen.
            Some(last) if self.filter() == Filter::default() => {
                let lost = snapshot.next_seq.saturating_sub(last.seq.saturating_add(1));
                if lost > 0 {
                    self.gap(Some(lost), snapshot.epoch, snapshot.next_seq)?;
                }
            }
            Some(_) | None => {}
        }
        if !self.events.snapshot {
            return Ok(());
        }
        order::sort(&mut snapshot);
        self.select.apply(&mut snapshot, StateOf::Adapters)?;
        let text = match self.format {
            Text::Table | Text::Wide => {
                show::overview::overview(&snapshot, self.format == Text::Wide)
            }
            Text::Json | Text::Jsonl => hats_client::snapshot_to_json(&snapshot) + "\n",
            Text::Line => show::line::overview(&snapshot),
        };
        output::write(&text)
    }

    /// A gap is never silent, and a reader of lines must be able to see it.
    fn gap(&self, count: Option<u64>, epoch: u64, next_seq: u64) -> Result<(), Failure> {
        let text = match self.format {
            Text::Json | Text::Jsonl => {
                let lost = count.map_or("null".to_owned(), |count| count.to_string());
                format!(r#"{{"lost":{lost},"epoch":{epoch},"next_seq":{next_seq}}}"#)
            }
            Text::Line => {
                let lost = count.map_or("unknown".to_owned(), |count| count.to_string());
                format!("lost:{lost}|epoch={epoch}|next_seq={next_seq}")
            }
            Text::Table | Text::Wide => match count {
                Some(count) => format!("! {count} events lost, going on with {next_seq}"),
                None => "! events before this may be missing".into(),
            },
        };
        output::write(&(text + "\n"))
    }
}

/// The filter again, so that it holds whatever the daemon does with it.
fn wanted(events: &Events, event: &Event) -> bool {
    let recent = |since: jiff::Timestamp| {
        // A time that cannot be read is no reason to hide an event.
        event.ts.parse::<jiff::Timestamp>().map_or(true, |ts| ts >= since)
    };
    (events.code.is_empty() || events.code.contains(&event.code)) && events.since.is_none_or(recent)
}
