//! `hats-status events`: what the daemon tells, as it tells it.

use std::{convert::Infallible, path::Path, pin::pin, time::Duration};

use hats_client::{
    Client, Error, Follower, Gap, News, PastUpdate,
    ipc::{Event, Filter, GetEvents, Lost, Snapshot},
};
use tokio::time;

use crate::{
    cli::{Cli, Events, Format, Text},
    failure::{Exit, Failure},
    order, output,
    select::{Selection, StateOf},
    show,
};

/// Prints events until interrupted, or those the daemon still has.
pub(crate) async fn run(events: &Events, cli: &Cli, socket: &Path) -> Result<Exit, Failure> {
    let Some(format) = cli.output.unwrap_or(Format::Table).text() else {
        let text = "events are a stream: expected -o table, wide, json, jsonl or line";
        return Err(Failure::Usage(text.into()));
    };
    if let Some(state) = cli.select.state.first() {
        return Err(Failure::Usage(format!("--state '{state}': events have no state")));
    }
    let printer = Printer { events, select: &cli.select, format };
    warn_of_strangers(cli, socket).await;
    if !events.follow {
        printer.history(Client::connect(socket, "hats-status", cli.timeout).await?).await?;
        return Ok(Exit::Ok);
    }
    printer.follow(socket, cli.timeout).await.map(|never| match never {})
}

/// An event may be about what is no longer there, or is yet to come: a name that
/// nobody has is only a warning. Without a daemon it is nothing yet.
async fn warn_of_strangers(cli: &Cli, socket: &Path) {
    if !cli.select.narrows() {
        return;
    }
    let snapshot =
        async { Client::connect(socket, "hats-status", cli.timeout).await?.snapshot().await };
    if let Ok(snapshot) = snapshot.await
        && let Err(stranger) = cli.select.check(&snapshot)
    {
        output::note(&format!("warning: {stranger}"));
    }
}

/// Whether waiting may help. A daemon that is just starting has its socket
/// before the socket has its group.
fn may_pass(error: &Error, was_connected: bool) -> bool {
    !matches!(error, Error::Permission { .. }) || was_connected
}

/// While nothing happens, how often it is looked whether anyone still reads.
const READER_CHECK: Duration = Duration::from_secs(1);

struct Printer<'a> {
    events: &'a Events,
    select: &'a Selection,
    format: Text,
}

impl Printer<'_> {
    /// Prints what comes until nobody reads it, or the daemon is gone and is not
    /// to be waited for.
    async fn follow(&self, socket: &Path, timeout: Duration) -> Result<Infallible, Failure> {
        let mut follower =
            Follower::new("hats-status").at(socket).timeout(timeout).filter(self.filter());
        if let Some(since) = self.since_unix_ms() {
            follower = follower.since(since);
        }
        if !self.events.snapshot {
            follower = follower.without_view();
        }
        let (mut said, mut was_connected, mut is_state_due) = (String::new(), false, true);
        loop {
            let news = {
                // Not begun anew at each look: connecting takes its time.
                let mut next = pin!(follower.next());
                loop {
                    match time::timeout(READER_CHECK, &mut next).await {
                        Ok(news) => break news?,
                        Err(_) if output::reader_has_gone() => return Err(Failure::OutputClosed),
                        Err(_) => {}
                    }
                }
            };
            was_connected |= !matches!(news, News::Away(_));
            match news {
                News::Event(event) => self.event(&event)?,
                News::Gap(gap) => {
                    self.gap(&gap)?;
                    is_state_due = true;
                }
                News::State => {
                    if let (true, Some(view)) = (is_state_due, follower.view()) {
                        self.snapshot(view.snapshot().clone())?;
                    }
                    is_state_due = false;
                }
                News::Away(error) if !self.events.reconnect || !may_pass(&error, was_connected) => {
                    return Err(error.into());
                }
                News::Away(error) => {
                    is_state_due = true;
                    let text = error.to_string();
                    if text != said {
                        output::note(&format!("{text}; trying again"));
                        said = text;
                    }
                    if output::reader_has_gone() {
                        return Err(Failure::OutputClosed);
                    }
                    continue;
                }
            }
            said.clear();
        }
    }

    /// Prints the events that the daemon still has, and ends.
    async fn history(&self, mut client: Client) -> Result<(), Failure> {
        let (filter, since_unix_ms) = (Some(self.filter()), self.since_unix_ms());
        let mut past = client.events(GetEvents { filter, from: None, since_unix_ms }).await?;
        loop {
            match past.next().await? {
                PastUpdate::Event(event) => self.event(&event)?,
                // Else only the numbers go on with another run.
                PastUpdate::Lost(lost) if lost.count > 0 || lost.more => {
                    let Lost { count, more, epoch, next_seq } = lost;
                    self.gap(&Gap { count, more, epoch, next_seq })?;
                }
                PastUpdate::Lost(_) => {}
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
        order::sort(&mut snapshot);
        let hidden = self.select.keep(&mut snapshot, StateOf::Adapters);
        let text = match self.format {
            Text::Table | Text::Wide => {
                show::overview::overview(&snapshot, &hidden, self.format == Text::Wide)
            }
            Text::Json | Text::Jsonl => hats_client::snapshot_to_json(&snapshot) + "\n",
            Text::Line => show::line::overview(&snapshot),
        };
        output::write(&text)
    }

    /// A gap is never silent, and a reader of lines must be able to see it.
    fn gap(&self, gap: &Gap) -> Result<(), Failure> {
        let Gap { epoch, next_seq, .. } = *gap;
        let count = (!gap.more).then_some(gap.count);
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
