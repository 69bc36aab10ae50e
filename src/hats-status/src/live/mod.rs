//! `hats-status watch`: the cluster on the whole screen, as it changes.
//!
//! Tasks ask the daemon, a thread reads the keys; all of them only send what
//! happened to the one loop that changes the picture and draws it.

mod app;
mod draw;
mod gaps;
mod ring;
mod theme;

#[cfg(test)]
mod tests;

use std::{
    io::{self, IsTerminal as _},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use hats_client::{
    Client, Update,
    ipc::{Event, Filter, Lost, ResumePoint, Snapshot},
};
use ratatui::crossterm::event::{self, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
    time,
};

use crate::{
    cli::{Cli, Watch},
    failure::{Exit, Failure},
};

use app::{App, Entry, Key};
use theme::Theme;

/// What may wait to be drawn; who sends more waits.
const HAPPENED_MAX: usize = 256;

/// Between two attempts to reach a daemon that went away.
const RECONNECT: Duration = Duration::from_millis(500);

/// Events from before the picture that are asked for.
const RECENT: u64 = 50;

/// What happened.
#[derive(Debug)]
enum Happened {
    Snapshot(Box<Snapshot>),
    Event(Box<Event>),
    /// Events that nobody will see.
    Gap(String),
    /// The daemon is not heard, and why.
    Gone(String),
    Key(Key),
    /// The terminal has another size.
    Resized,
    /// The terminal says nothing any more, or a signal came.
    End,
}

/// Draws until `q`.
pub(crate) async fn run(cli: &Cli, watch: &Watch, socket: &Path) -> Result<Exit, Failure> {
    if cli.output.is_some() {
        let text = "watch draws on the terminal: it has no -o; `events --follow` prints";
        return Err(Failure::Usage(text.into()));
    }
    if !(io::stdin().is_terminal() && io::stdout().is_terminal()) {
        let text = "watch draws on a terminal, and there is none; `events --follow` prints";
        return Err(Failure::Usage(text.into()));
    }
    // What is wrong at the beginning is said as every command says it.
    let mut client = Client::connect(socket, "hats-status watch", cli.timeout).await?;
    let first = client.snapshot().await?;
    cli.select.check(&first)?;
    let (happen, happened) = mpsc::channel(HAPPENED_MAX);
    let daemon = Daemon { socket: socket.to_owned(), timeout: cli.timeout, happen: happen.clone() };
    tokio::spawn(daemon.clone().look(Some(client), watch.every));
    tokio::spawn(daemon.listen());
    tokio::spawn(until_told(happen.clone()));
    thread::spawn(move || read_keys(&happen));
    let mut app = App::new(cli.select.clone());
    app.take_snapshot(first);
    let theme = Theme { colour: cli.color.now() };
    let mut terminal = ratatui::try_init().map_err(Failure::Start)?;
    let drawn = draw_until_done(&mut terminal, &mut app, happened, theme).await;
    ratatui::restore();
    drawn.map(|()| Exit::Ok)
}

async fn draw_until_done(
    terminal: &mut ratatui::DefaultTerminal,
    app: &mut App,
    mut happened: mpsc::Receiver<Happened>,
    theme: Theme,
) -> Result<(), Failure> {
    while !app.is_done() {
        terminal.draw(|frame| draw::draw(frame, app, theme))?;
        let Some(first) = happened.recv().await else { return Ok(()) };
        if take(app, first) {
            return Ok(());
        }
        // All that came meanwhile is one picture.
        while let Ok(next) = happened.try_recv() {
            if take(app, next) {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Takes what happened; whether it is the end.
fn take(app: &mut App, happened: Happened) -> bool {
    match happened {
        Happened::Snapshot(snapshot) => app.take_snapshot(*snapshot),
        Happened::Event(event) => app.take_entry(Entry::Event(event)),
        Happened::Gap(text) => app.take_entry(Entry::Gap(text)),
        Happened::Gone(why) => app.lose(why),
        Happened::Key(key) => app.key(key),
        Happened::Resized => {}
        Happened::End => return true,
    }
    false
}

/// Where the daemon is, and whom to tell.
#[derive(Clone)]
struct Daemon {
    socket: PathBuf,
    timeout: Duration,
    happen: mpsc::Sender<Happened>,
}

/// Nobody draws any more.
struct Ended;

impl Daemon {
    async fn tell(&self, happened: Happened) -> Result<(), Ended> {
        self.happen.send(happened).await.map_err(|_| Ended)
    }

    async fn connect(&self) -> Result<Client, hats_client::Error> {
        Client::connect(&self.socket, "hats-status watch", self.timeout).await
    }

    /// Asks for the state again and again.
    async fn look(self, mut client: Option<Client>, every: Duration) {
        loop {
            time::sleep(if client.is_some() { every } else { RECONNECT }).await;
            let asked = async {
                let mut connected = match client.take() {
                    Some(connected) => connected,
                    None => self.connect().await?,
                };
                let snapshot = connected.snapshot().await?;
                client = Some(connected);
                Ok::<Snapshot, hats_client::Error>(snapshot)
            };
            let happened = match asked.await {
                Ok(snapshot) => Happened::Snapshot(Box::new(snapshot)),
                Err(error) => Happened::Gone(error.to_string()),
            };
            if self.tell(happened).await.is_err() {
                return;
            }
        }
    }

    /// Tells every event, and every gap between them.
    async fn listen(self) {
        let mut last = None;
        while self.session(&mut last).await.is_ok() {
            time::sleep(RECONNECT).await;
        }
    }

    /// One connection until its end; that nobody is reached is told by
    /// [`look`](Self::look). It goes on after the event that was told last, or
    /// begins with the last few that the daemon still has.
    async fn session(&self, last: &mut Option<ResumePoint>) -> Result<(), Ended> {
        let Ok(client) = self.connect().await else { return Ok(()) };
        let welcome = client.welcome();
        let recent = welcome.next_seq.saturating_sub(1 + RECENT);
        let recent = ResumePoint { epoch: welcome.epoch, seq: recent };
        let from = Some(last.unwrap_or(recent));
        let Ok(mut events) = client.subscribe(Filter::default(), from).await else {
            return Ok(());
        };
        while let Ok(update) = events.next().await {
            match update {
                Update::Event(event) => self.tell(Happened::Event(event)).await?,
                Update::Lost(lost) => {
                    if let Some(text) = told_as_lost(&lost) {
                        self.gap(text).await?;
                    }
                }
                // Where it could not go on after that event.
                Update::Snapshot(now) => {
                    if let Some(text) = gap_before(last.as_ref(), &now) {
                        self.gap(text).await?;
                    }
                }
                Update::KeepAlive(_) | Update::Changes(_) => {}
            }
            *last = events.resume_point().or(*last);
        }
        Ok(())
    }

    async fn gap(&self, text: String) -> Result<(), Ended> {
        self.tell(Happened::Gap(text)).await
    }
}

/// What a daemon says is missing; nothing where only the epoch is another.
fn told_as_lost(lost: &Lost) -> Option<String> {
    match (lost.count, lost.more) {
        (0, false) => None,
        (0, true) => Some("! events before this may be missing".to_owned()),
        (count, false) => Some(format!("! {count} events lost")),
        (count, true) => Some(format!("! at least {count} events lost")),
    }
}

/// What is missing between the last event told and a snapshot.
fn gap_before(last: Option<&ResumePoint>, now: &Snapshot) -> Option<String> {
    let last = last?;
    if last.epoch != now.epoch {
        let text = "! the daemon was started anew: events before this may be missing";
        return Some(text.to_owned());
    }
    let lost = now.next_seq.saturating_sub(last.seq.saturating_add(1));
    (lost > 0).then(|| format!("! {lost} events lost"))
}

/// Ends the picture, and so gives the terminal back, when told by a signal.
async fn until_told(happen: mpsc::Sender<Happened>) {
    let signals = [SignalKind::terminate(), SignalKind::hangup(), SignalKind::interrupt()];
    let [Ok(mut terminate), Ok(mut hangup), Ok(mut interrupt)] = signals.map(signal) else {
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
        _ = interrupt.recv() => {}
    }
    // If nobody receives it, the end has come already.
    let _ = happen.send(Happened::End).await;
}

fn read_keys(happen: &mpsc::Sender<Happened>) {
    loop {
        let happened = match event::read() {
            Ok(event::Event::Key(key)) if key.kind != KeyEventKind::Release => match pressed(key) {
                Some(happened) => happened,
                None => continue,
            },
            Ok(event::Event::Resize(..)) => Happened::Resized,
            Ok(_) => continue,
            Err(_) => Happened::End,
        };
        let is_end = matches!(happened, Happened::End);
        if happen.blocking_send(happened).is_err() || is_end {
            return;
        }
    }
}

fn pressed(key: KeyEvent) -> Option<Happened> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    if let KeyCode::Char(c) = key.code {
        return match (c, control) {
            ('c' | 'd', true) => Some(Happened::End),
            (_, true) => None,
            (_, false) => Some(Happened::Key(Key::Char(c))),
        };
    }
    KEYS.iter().find(|(code, _)| *code == key.code).map(|(_, key)| Happened::Key(*key))
}

/// The keys that are no characters.
const KEYS: [(KeyCode, Key); 11] = [
    (KeyCode::Up, Key::Up),
    (KeyCode::Down, Key::Down),
    (KeyCode::PageUp, Key::PageUp),
    (KeyCode::PageDown, Key::PageDown),
    (KeyCode::Home, Key::Home),
    (KeyCode::End, Key::End),
    (KeyCode::Enter, Key::Enter),
    (KeyCode::Esc, Key::Escape),
    (KeyCode::Tab, Key::Tab),
    (KeyCode::BackTab, Key::Tab),
    (KeyCode::Backspace, Key::Backspace),
];
