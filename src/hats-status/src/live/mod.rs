//! `hats-status watch`: the cluster on the whole screen, as it changes.
//!
//! A task follows the daemon, a thread reads the keys; both only send what
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
    path::Path,
    thread,
    time::Duration,
};

use hats_client::{
    Client, Follower, News,
    ipc::{Event, ResumePoint, Snapshot},
};
use ratatui::crossterm::event::{self, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
    time::{self, MissedTickBehavior},
};

use crate::{
    cli::{Cli, Watch},
    failure::{Exit, Failure},
    select::StateOf,
};

use app::{App, Entry, Key};
use theme::Theme;

/// What may wait to be drawn; who sends more waits.
const HAPPENED_MAX: usize = 256;

/// What `hats-status subscribers` shows.
const NAME: &str = "hats-status watch";

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
    let mut client = Client::connect(socket, NAME, cli.timeout).await?;
    let first = client.snapshot().await?;
    cli.select.apply(&mut first.clone(), StateOf::Adapters)?;
    drop(client);
    let recent = first.next_seq.saturating_sub(1 + RECENT);
    let follower = Follower::new(NAME)
        .at(socket)
        .timeout(cli.timeout)
        .resume(ResumePoint { epoch: first.epoch, seq: recent });
    let (happen, happened) = mpsc::channel(HAPPENED_MAX);
    tokio::spawn(follow(follower, watch.every, happen.clone()));
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

/// Follows the daemon, and tells what it says.
async fn follow(mut follower: Follower, every: Duration, happen: mpsc::Sender<Happened>) {
    let mut look = time::interval(every);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let is_here = follower.is_here();
        let news = tokio::select! {
            news = follower.next() => news,
            // What changes comes by itself, but ages and gaps do not.
            _ = look.tick(), if is_here => {
                follower.refresh().await;
                continue;
            }
        };
        let happened = match news {
            Ok(News::Event(event)) => Happened::Event(event),
            Ok(News::Gap(gap)) => Happened::Gap(format!("! {gap}")),
            Ok(News::State) => match follower.view() {
                Some(view) => Happened::Snapshot(Box::new(view.snapshot().clone())),
                None => continue,
            },
            Ok(News::Away(error)) => Happened::Gone(error.to_string()),
            Err(error) => {
                // If nobody draws any more, nobody needs to know.
                let _ = happen.send(Happened::Gone(error.to_string())).await;
                return;
            }
        };
        if happen.send(happened).await.is_err() {
            return;
        }
    }
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
