//! What the live view shows, and what a key changes of it. Pure: `mod` brings
//! what happened, `draw` shows it.

use std::collections::VecDeque;

use hats_client::ipc::{Adapter, Event, Network, Snapshot, Verdict};

use super::gaps::Gaps;
use crate::{
    order,
    select::{Selection, StateOf},
    show::{faults::is_wrong, used_networks, verdict},
};

/// Events that are kept to be looked at.
const EVENTS_MAX: usize = 500;

/// The longest filter that can be typed.
const FILTER_MAX: usize = 40;

/// A key, whatever the terminal calls it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Key {
    Up,
    Down,
    PageUp,
    PageDown,
    Home,
    End,
    Enter,
    Escape,
    Tab,
    Backspace,
    Char(char),
}

/// Which pane the cursor is in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Focus {
    Things,
    Events,
    Verdicts,
}

/// A line below the drawing.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    Event(Box<Event>),
    /// A gap: it is never silent.
    Gap(String),
}

/// A network, or an adapter on it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Thing<'a> {
    Network(&'a Network),
    Adapter(&'a Adapter),
}

impl Thing<'_> {
    /// What stays the same of it from one snapshot to the next.
    fn identity(&self) -> [&str; 4] {
        match self {
            Thing::Network(network) => [&network.name, "", "", ""],
            Thing::Adapter(it) => [&it.network, &it.node, &it.adapter, &it.addr],
        }
    }

    pub(crate) fn network(&self) -> &str {
        self.identity()[0]
    }
}

/// Text on top of everything else.
#[derive(Clone, Debug)]
pub(crate) struct Popup {
    pub(crate) title: String,
    pub(crate) lines: Vec<String>,
    /// The first line that is shown.
    pub(crate) from: usize,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct App {
    select: Selection,
    snapshot: Option<Snapshot>,
    entries: VecDeque<Entry>,
    pub(crate) gaps: Gaps,
    /// Why the daemon is not heard, while it is not.
    pub(crate) gone: Option<String>,
    pub(crate) focus: Focus,
    selected: [String; 4],
    /// The lines of the panes below that the cursor is on, from the newest.
    pub(crate) event_at: usize,
    pub(crate) verdict_at: usize,
    pub(crate) filter: String,
    pub(crate) typing: bool,
    pub(crate) faults_only: bool,
    pub(crate) popup: Option<Popup>,
    pub(crate) paused: bool,
    done: bool,
}

impl App {
    /// Shows what `select` lets through, whatever is filtered later.
    pub(crate) fn new(select: Selection) -> Self {
        App {
            select,
            snapshot: None,
            entries: VecDeque::new(),
            gaps: Gaps::default(),
            gone: None,
            focus: Focus::Things,
            selected: Default::default(),
            event_at: 0,
            verdict_at: 0,
            filter: String::new(),
            typing: false,
            faults_only: false,
            popup: None,
            paused: false,
            done: false,
        }
    }

    /// The state as it is now. While paused it is not looked at.
    pub(crate) fn take_snapshot(&mut self, mut snapshot: Snapshot) {
        self.gone = None;
        if self.paused {
            return;
        }
        self.select.keep(&mut snapshot, StateOf::Adapters);
        order::sort(&mut snapshot);
        self.gaps.note(&snapshot);
        self.snapshot = Some(snapshot);
    }

    pub(crate) fn take_entry(&mut self, entry: Entry) {
        if matches!(&entry, Entry::Event(event) if !self.select.wants(event)) {
            return;
        }
        self.entries.push_back(entry);
        if self.entries.len() > EVENTS_MAX {
            self.entries.pop_front();
        }
        // The cursor stays on its line, unless it is on the newest.
        if self.focus == Focus::Events && self.event_at > 0 {
            self.event_at = (self.event_at + 1).min(EVENTS_MAX - 1);
        }
    }

    /// The daemon is not heard any more.
    pub(crate) fn lose(&mut self, why: String) {
        self.gone = Some(why);
    }

    pub(crate) fn is_done(&self) -> bool {
        self.done
    }

    pub(crate) fn snapshot(&self) -> Option<&Snapshot> {
        self.snapshot.as_ref()
    }

    /// Networks, each with its adapters, as far as the filter lets them through.
    pub(crate) fn things(&self) -> Vec<Thing<'_>> {
        let Some(snapshot) = &self.snapshot else { return Vec::new() };
        let mut things = Vec::new();
        for network in used_networks(snapshot) {
            let of_network = |adapter: &&Adapter| adapter.network == network.name;
            let shown = |adapter: &&Adapter| self.shows(adapter);
            let adapters: Vec<&Adapter> =
                snapshot.adapters.iter().filter(of_network).filter(shown).collect();
            if adapters.is_empty() && !self.is_unfiltered() {
                continue;
            }
            things.push(Thing::Network(network));
            things.extend(adapters.into_iter().map(Thing::Adapter));
        }
        things
    }

    fn is_unfiltered(&self) -> bool {
        self.filter.is_empty() && !self.faults_only
    }

    fn shows(&self, adapter: &Adapter) -> bool {
        let names = [&adapter.network, &adapter.node, &adapter.adapter, &adapter.addr];
        let named = names.iter().any(|name| self.matches(name));
        named && (!self.faults_only || is_wrong(&adapter.state) || adapter.state == "joining")
    }

    fn matches(&self, text: &str) -> bool {
        text.to_lowercase().contains(&self.filter.to_lowercase())
    }

    /// Where the cursor is among the things.
    pub(crate) fn thing_at(&self, things: &[Thing<'_>]) -> usize {
        let selected = self.selected.each_ref().map(String::as_str);
        things.iter().position(|thing| thing.identity() == selected).unwrap_or(0)
    }

    /// Events and gaps, newest first, as far as the filter lets them through.
    pub(crate) fn entries(&self) -> Vec<&Entry> {
        let shown = |entry: &&Entry| match entry {
            Entry::Event(event) => {
                let about = [&event.network, &event.node, &event.adapter, &event.addr];
                self.filter.is_empty()
                    || self.matches(&event.msg)
                    || about.iter().any(|it| it.as_ref().is_some_and(|it| self.matches(it)))
            }
            Entry::Gap(_) => true,
        };
        self.entries.iter().rev().filter(shown).collect()
    }

    /// Verdicts, newest first.
    pub(crate) fn verdicts(&self) -> Vec<&Verdict> {
        let shown = |verdict: &&Verdict| {
            self.filter.is_empty()
                || self.matches(&verdict::headline(verdict))
                || self.matches(&verdict.summary)
        };
        self.snapshot.iter().flat_map(|it| it.verdicts.iter().rev()).filter(shown).collect()
    }

    /// What a key does.
    pub(crate) fn key(&mut self, key: Key) {
        if self.popup.is_some() {
            self.key_in_popup(key);
        } else if self.typing {
            self.key_in_filter(key);
        } else {
            self.key_in_panes(key);
        }
    }

    fn key_in_popup(&mut self, key: Key) {
        let Some(popup) = &mut self.popup else { return };
        let last = popup.lines.len().saturating_sub(1);
        match key {
            Key::Up | Key::Char('k') => popup.from = popup.from.saturating_sub(1),
            Key::Down | Key::Char('j') => popup.from = (popup.from + 1).min(last),
            Key::PageUp => popup.from = popup.from.saturating_sub(PAGE),
            Key::PageDown => popup.from = (popup.from + PAGE).min(last),
            Key::Home => popup.from = 0,
            Key::End => popup.from = last,
            Key::Enter | Key::Escape | Key::Char('q') => self.popup = None,
            Key::Tab | Key::Backspace | Key::Char(_) => {}
        }
    }

    fn key_in_filter(&mut self, key: Key) {
        match key {
            Key::Enter => self.typing = false,
            Key::Escape => {
                self.typing = false;
                self.filter.clear();
            }
            Key::Backspace => {
                self.filter.pop();
            }
            Key::Char(c) if self.filter.chars().count() < FILTER_MAX && !c.is_control() => {
                self.filter.push(c);
            }
            Key::Char(_) => {}
            Key::Up | Key::Down | Key::PageUp | Key::PageDown | Key::Home | Key::End | Key::Tab => {
                self.typing = false;
                self.key_in_panes(key);
            }
        }
    }

    fn key_in_panes(&mut self, key: Key) {
        match key {
            Key::Char('q') => self.done = true,
            Key::Escape => self.filter.clear(),
            Key::Char('/') => self.typing = true,
            Key::Char('f') => self.faults_only = !self.faults_only,
            Key::Char(' ') => self.paused = !self.paused,
            Key::Char('v') => {
                self.focus =
                    if self.focus == Focus::Verdicts { Focus::Things } else { Focus::Verdicts };
            }
            Key::Char('?') => self.popup = Some(help()),
            Key::Tab => {
                self.focus = match self.focus {
                    Focus::Things => Focus::Events,
                    Focus::Events => Focus::Verdicts,
                    Focus::Verdicts => Focus::Things,
                };
            }
            Key::Enter => self.open(),
            Key::Up | Key::Char('k') => self.step(|at| at.saturating_sub(1)),
            Key::Down | Key::Char('j') => self.step(|at| at + 1),
            Key::PageUp => self.step(|at| at.saturating_sub(PAGE)),
            Key::PageDown => self.step(|at| at + PAGE),
            Key::Home => self.step(|_| 0),
            Key::End => self.step(|_| usize::MAX),
            Key::Backspace | Key::Char(_) => {}
        }
    }

    fn step(&mut self, to: impl Fn(usize) -> usize) {
        match self.focus {
            Focus::Things => {
                let things = self.things();
                let last = things.len().saturating_sub(1);
                let at = to(self.thing_at(&things)).min(last);
                let selected = things.get(at).map(|thing| thing.identity().map(str::to_owned));
                self.selected = selected.unwrap_or_default();
            }
            Focus::Events => {
                let last = self.entries().len().saturating_sub(1);
                self.event_at = to(self.event_at.min(last)).min(last);
            }
            Focus::Verdicts => {
                let last = self.verdicts().len().saturating_sub(1);
                self.verdict_at = to(self.verdict_at.min(last)).min(last);
            }
        }
    }

    /// Opens the evidence of what the cursor is on.
    fn open(&mut self) {
        let id = match self.focus {
            Focus::Things => {
                let things = self.things();
                match things.get(self.thing_at(&things)) {
                    Some(Thing::Adapter(adapter)) => self.verdict_of(adapter),
                    Some(Thing::Network(network)) => self.verdict_on(&network.name),
                    None => None,
                }
            }
            Focus::Events => match self.entries().get(self.event_at) {
                Some(Entry::Event(event)) => event.verdict_id.clone(),
                Some(Entry::Gap(_)) | None => None,
            },
            Focus::Verdicts => self.verdicts().get(self.verdict_at).map(|it| it.id.clone()),
        };
        let found = id.as_ref().and_then(|id| {
            self.snapshot.as_ref()?.verdicts.iter().rev().find(|verdict| verdict.id == *id)
        });
        let (title, text) = match (found, id) {
            (Some(found), _) => (format!("verdict {}", found.id), verdict::verdict(found, false)),
            (None, Some(id)) => (
                format!("verdict {id}"),
                "This daemon does not have it any more; the log of the node that decided has.\n"
                    .to_owned(),
            ),
            (None, None) => (
                "no verdict".to_owned(),
                "Nothing was concluded about this: it is as it should be, or it told so itself.\n"
                    .to_owned(),
            ),
        };
        let lines = text.lines().map(str::to_owned).collect();
        self.popup = Some(Popup { title, lines, from: 0 });
    }

    /// The verdict behind an adapter's state, else behind its node's, else the
    /// newest about it.
    fn verdict_of(&self, adapter: &Adapter) -> Option<String> {
        let snapshot = self.snapshot.as_ref()?;
        let of_node = || {
            let node = snapshot.nodes.iter().find(|node| node.name == adapter.node)?;
            node.verdict_id.clone()
        };
        let about = || {
            let found = snapshot.verdicts.iter().rev().find(|it| {
                it.network == adapter.network && it.node.as_ref() == Some(&adapter.node)
            });
            found.map(|verdict| verdict.id.clone())
        };
        adapter.verdict_id.clone().or_else(of_node).or_else(about)
    }

    fn verdict_on(&self, network: &str) -> Option<String> {
        let snapshot = self.snapshot.as_ref()?;
        let found = snapshot.verdicts.iter().rev().find(|it| it.network == network);
        found.map(|verdict| verdict.id.clone())
    }
}

/// Lines that a page key moves by.
const PAGE: usize = 10;

fn help() -> Popup {
    let lines = [
        "up down pgup pgdn home end, j k   move",
        "tab                               next pane: adapters, events, verdicts",
        "enter                             the evidence of a verdict",
        "v                                 verdicts instead of events",
        "/                                 show only what has this text in its names",
        "f                                 show only what is wrong",
        "space                             hold the picture, and go on",
        "esc                               close, or show everything again",
        "q                                 end",
        "",
        "● up   ◍ joining   ✖ down   ? unknown   ○ configured, but not there   - left",
        "L leader   S successor   * this node",
        "Bars: the longest gap between an upstream neighbour's heartbeats, second by",
        "second; a full one is the detection time.",
    ];
    let lines = lines.map(str::to_owned).to_vec();
    Popup { title: "keys and signs".to_owned(), lines, from: 0 }
}
